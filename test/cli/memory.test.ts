import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../../bin/runbook.js', import.meta.url))

/** Writes the size of V8's space for new objects when the process ends. */
const reporter = `data:text/javascript,${encodeURIComponent(`
import { getHeapSpaceStatistics } from 'node:v8'
const size = () => getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size
process.on('exit', () => process.stderr.write('new objects: ' + size()))
`)}`

it('keeps the space for new objects as small as it begins', () => {
  const { stderr } = spawnSync(process.execPath, ['--import', reporter, bin, 'help', 'config'], {
    encoding: 'utf8',
  })
  const [, bytes] = /new objects: (\d+)$/.exec(stderr) ?? []
  expect(Number(bytes), stderr).toBeLessThanOrEqual(4 * 1024 ** 2)
})

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** A project of its own, since a registered configuration counts for all files that are checked together. */
test('runbooks are checked against the registered configuration', () => {
  const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
  const { status, stdout } = spawnSync(
    tsc,
    ['--noEmit', '--singleThreaded', '-p', fileURLToPath(new URL('registered', import.meta.url))],
    { encoding: 'utf8' },
  )
  expect(stdout).toBe('')
  expect(status).toBe(0)
})

import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { missingRightIn } from '../../../src/adapters/disk/missing-right.ts'
import { root } from '../../fixtures/requirements.ts'

const code = fileURLToPath(new URL('../../../src/adapters/disk/missing-right.ts', import.meta.url))
const other = 65_534

describe.skipIf(!root())('what an account lacks to write in a folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rights-'))
    await chmod(folder, 0o755)
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** As somebody who is not root. */
  const missing = (): unknown => {
    const ask = `import { missingRightIn } from ${JSON.stringify(code)}; console.log(JSON.stringify(await missingRightIn(${JSON.stringify(folder)})))`
    const as = [`--reuid=${other}`, `--regid=${other}`, '--clear-groups']
    return JSON.parse(
      execFileSync('setpriv', [...as, process.execPath, '--input-type=module', '-e', ask], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    )
  }

  test('is what owner and mode deny, and nothing where they do not', async () => {
    expect(missing()).toEqual({
      lacks: `the right to create and remove files in ${folder} (owner 0)`,
      certain: true,
      cures: [`setfacl -m u:${other}:rwx ${folder}`],
    })
    await chmod(folder, 0o777)
    expect(missing()).toBeNull()
  })

  test('is a mount that nobody may write, for root too', async () => {
    const mount = join(folder, 'mounted')
    await mkdir(mount)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'rights', mount])
    try {
      const lacked = await missingRightIn(mount)
      expect(lacked?.lacks).toBe(`a file system that can be written at ${mount}: it is mounted read-only`)
      execFileSync('sh', ['-c', lacked?.cures[0] ?? 'false'])
      expect(await missingRightIn(mount)).toBeNull()
    } finally {
      execFileSync('umount', [mount])
    }
  })
})

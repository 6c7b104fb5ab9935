import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MissingRight } from '../../../src/drivers/databases.ts'
import { root } from '../../fixtures/requirements.ts'

const code = fileURLToPath(new URL('../../../src/adapters/sqlite/missing-rights.ts', import.meta.url))
const other = 65_534

describe.skipIf(!root())('what an account lacks to replace a SQLite file', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rights-'))
    file = join(folder, 'shop.db')
    await writeFile(file, '')
    await chmod(folder, 0o755)
  })
  afterEach(() => rm(folder, { recursive: true }))

  const missing = (change: string): readonly MissingRight[] => {
    const ask = `import { missingRights } from ${JSON.stringify(code)}; console.log(JSON.stringify(await missingRights(${JSON.stringify(file)}, { do: ${JSON.stringify(change)} })))`
    return JSON.parse(
      execFileSync(
        'setpriv',
        [
          `--reuid=${other}`,
          `--regid=${other}`,
          '--clear-groups',
          process.execPath,
          '--input-type=module',
          '-e',
          ask,
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      ),
    ) as readonly MissingRight[]
  }
  const lacked = (change: string): readonly string[] => missing(change).map(({ lacks }) => lacks)

  test('is what modes and owners deny', async () => {
    expect(missing('restore beside')).toMatchObject([
      {
        lacks: `the right to create files in ${folder} (owner 0)`,
        certain: true,
        cures: [`setfacl -m u:${other}:rwx ${folder}`],
      },
      { lacks: `the right to write ${file} (owner 0)`, cures: [`setfacl -m u:${other}:rw ${file}`] },
    ])
  })

  test('is the owner that a file replaced by rename has to get, in a sticky folder too', async () => {
    await chmod(folder, 0o1777)
    await chmod(file, 0o666)
    expect(lacked('restore beside')).toEqual([])
    expect(lacked('swap')).toEqual([`the right to give a file the owner 0 and the group 0 of ${file}`])
    await chown(file, other, other)
    expect(lacked('swap')).toEqual([])
  })
})

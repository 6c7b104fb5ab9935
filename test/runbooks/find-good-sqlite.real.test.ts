import { execFileSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { program } from '../fixtures/requirements.ts'
import { LocalShop } from '../fixtures/local-shop.ts'

vi.setConfig({ testTimeout: 180_000 })

const hour = 3_600_000
const backups =
  "backups: { directory: './backups', pattern: 'shop-{time}.*', maxAge: '26h', checksums: 'if-present' },"

/** A good one as SQL, four hours old, after it damaged ones in gzip and as it is. */
async function history(target: string) {
  const shop = await LocalShop.open({ target: `${backups} ${target}` })
  const folder = join(shop.folder, 'backups')
  const [first = ''] = (await readdir(folder)).filter((name) => name.endsWith('.db'))
  const good = join(folder, first.replace(/\.db$/, '.sql'))
  await writeFile(good, execFileSync('sqlite3', [join(folder, first), '.dump']))
  execFileSync('rm', [join(folder, first)])
  const packed = await shop.backUp(new Date(Date.now() - 2 * hour))
  execFileSync('gzip', [packed])
  const newest = await shop.backUp(new Date(Date.now() - hour))
  return { shop, folder, good, packed: `${packed}.gz`, newest }
}

describe.skipIf(!program('sqlite3'))('find-good with backups of SQLite that are no database files', () => {
  it('unpacks each for its test, and leaves nothing of it', async () => {
    const { shop, folder, good, packed } = await history("staging: './staging',")
    await using _ = shop
    const before = await readdir(folder)
    const finished = await shop.type(['backups', 'find-good'])
    const all = finished.stdout + finished.stderr
    expect(finished.code, all).toBe(0)
    expect(all).toMatch(new RegExp(`full-db-rollback .*--dump \\S*${basename(good)}`))
    expect(all).toMatch(new RegExp(`${basename(packed)}.*: bad: .*every order has its total`))
    expect(await readdir(folder)).toEqual(before)
    expect(await readdir(join(shop.folder, 'staging'))).toEqual([])
  })

  it('without a folder for that, it names them and why', async () => {
    const { shop, good, packed } = await history('')
    await using _ = shop
    const finished = await shop.type(['backups', 'find-good'])
    const all = finished.stdout + finished.stderr
    expect(finished.code, all).not.toBe(0)
    for (const [file, what] of [
      [good, 'SQL'],
      [packed, 'wrapped \\(gzip\\)'],
    ] as const)
      expect(all).toMatch(new RegExp(`${basename(file)}: it is ${what}, and without .staging.`))
  })
})

import { execFileSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { goodData, LocalShop } from '../fixtures/local-shop.ts'
import { LoopDisk } from '../fixtures/loop-disk.ts'
import { canMount, program } from '../fixtures/requirements.ts'

vi.setConfig({ testTimeout: 180_000 })

it('a dry run with a compressed backup of SQLite says what unpacking it takes, and the run restores it', async () => {
  await using shop = await LocalShop.open({
    target:
      "backups: { directory: './backups', pattern: 'shop-{time}.db.gz', maxAge: '26h', checksums: 'if-present' },",
  })
  const folder = join(shop.folder, 'backups')
  const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.db'))
  const { size } = await stat(join(folder, name))
  execFileSync('gzip', [join(folder, name)])
  const predicted = await shop.type(shop.rollback('--dry-run'))
  expect(predicted.code, predicted.stdout + predicted.stderr).toBe(0)
  expect(predicted.stdout).toMatch(new RegExp(`${name}\\.gz is unpacked to read it.* ${size} bytes in `))
  const real = await shop.type(shop.rollback())
  expect(real.code, real.stdout + real.stderr).toBe(0)
  expect(shop.data()).toEqual(goodData)
})

it.skipIf(!canMount() || !program('sqlite3'))(
  'SQL of .dump in gzip is restored from a mounted drive, which a dry run and a search leave as it was',
  async () => {
    const drive = new LoopDisk(32)
    try {
      await using shop = await LocalShop.open({
        target: `backups: { directory: '${drive.path}', pattern: 'shop-{time}.sql.gz', maxAge: '26h', checksums: 'if-present' }, staging: './staging',`,
      })
      const folder = join(shop.folder, 'backups')
      const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.db'))
      const packed = `${name.replace(/\.db$/, '')}.sql.gz`
      execFileSync('sh', [
        '-c',
        'sqlite3 "$1" .dump | gzip > "$2"',
        'sh',
        join(folder, name),
        join(drive.path, packed),
      ])
      const before = await readdir(drive.path)
      expect((await stat(drive.path)).dev).not.toBe((await stat(shop.file)).dev)
      const found = await shop.type(['backups', 'find-good'])
      expect(found.code, found.stdout + found.stderr).toBe(0)
      expect(found.stdout + found.stderr).toContain(`${packed}, taken`)
      const predicted = await shop.type(shop.rollback('--dry-run'))
      expect(predicted.code, predicted.stdout + predicted.stderr).toBe(0)
      expect(await readdir(drive.path)).toEqual(before)
      const real = await shop.type(shop.rollback())
      expect(real.code, real.stdout + real.stderr).toBe(0)
      expect(shop.data()).toEqual(goodData)
    } finally {
      drive.destroy()
    }
  },
)

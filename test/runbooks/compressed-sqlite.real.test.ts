import { execFileSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { goodData, LocalShop } from '../fixtures/local-shop.ts'

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

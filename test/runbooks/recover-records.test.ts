import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it, vi } from 'vitest'
import { LocalShop } from '../fixtures/local-shop.ts'

vi.setConfig({ testTimeout: 120_000 })

it('brings one deleted row back into a real shop that goes on selling, and leaves everything else as it is', async () => {
  await using shop = await LocalShop.open()
  const database = new Database(shop.file)
  database.exec('delete from orders where id = 5')
  const { code, stdout, stderr } = await shop.type(['run', 'recover-records', '--tables', 'orders:id', '--key', '5', '--export', 'export', '--confirm', shop.phrase])
  expect(code, stdout + stderr).toBe(0)
  expect(database.prepare('select * from orders where id = 5').all()).toEqual([{ id: 5, total: 15 }])
  database.close()
  expect(shop.data()).toMatchObject({ revision: 'd4', whole: 'ok' })
  const [file = ''] = await readdir(join(shop.folder, 'export'))
  expect(await readFile(join(shop.folder, 'export', file), 'utf8')).toBe('id,total\r\n5,15\r\n')
  expect((await readdir(join(shop.folder, 'data'))).filter((name) => !/^shop\.db(-wal|-shm)?$/.test(name))).toEqual([])
})

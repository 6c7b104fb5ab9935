import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Connection from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileVersion } from '../../../src/adapters/sqlite/file-version.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file version '))
  file = join(folder, 'shop.db')
})
afterEach(() => rm(folder, { recursive: true }))

const opened = (journal: 'WAL' | 'DELETE' | 'PERSIST'): Connection.Database => {
  const connection = new Connection(file)
  connection.pragma(`journal_mode = ${journal}`)
  connection.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)')
  return connection
}

test('is unknown while the log has commits that the file lacks', async () => {
  const connection = opened('WAL')
  expect(fileVersion(file)).toBeNull()
  connection.pragma('wal_checkpoint(TRUNCATE)')
  const before = fileVersion(file)
  expect(before).not.toBeNull()
  connection.exec('INSERT INTO orders VALUES (2)')
  expect(fileVersion(file)).toBeNull()
  connection.close()
  expect(fileVersion(file)).not.toBe(before)
})

test('is unknown in the middle of a transaction, and the same again after its rollback', async () => {
  const connection = opened('DELETE')
  const before = fileVersion(file)
  connection.pragma('cache_size = 1')
  connection.pragma('cache_spill = 1')
  connection.exec('BEGIN')
  const insert = connection.prepare('INSERT INTO orders VALUES (?)')
  for (let id = 2; id < 20_000; id += 1) insert.run(id)
  expect(fileVersion(file)).toBeNull()
  connection.exec('COMMIT')
  connection.close()
  expect(fileVersion(file)).not.toBe(before)
})

test('is unknown where the journal of an application stays', async () => {
  opened('PERSIST').close()
  expect(fileVersion(file)).toBeNull()
})

test('a reader does not change it, nor does another name', async () => {
  opened('WAL').close()
  const before = fileVersion(file)
  const reader = new Connection(file)
  expect(reader.prepare('SELECT count(*) FROM orders').pluck().get()).toBe(1)
  expect(fileVersion(file)).toBe(before)
  reader.close()
  expect(fileVersion(file)).toBe(before)
  await rename(file, join(folder, 'aside.db'))
  expect(fileVersion(join(folder, 'aside.db'))).toBe(before)
})

test('a commit shows although the size is the same and the time was set back', async () => {
  const connection = opened('DELETE')
  const at = new Date('2026-02-03T04:00:00Z')
  await utimes(file, at, at)
  const before = fileVersion(file)
  connection.exec('UPDATE orders SET id = 3')
  connection.close()
  await utimes(file, at, at)
  expect(fileVersion(file)).not.toBe(before)
})

test('is known of a file that is no database: it has a size and a time', async () => {
  await writeFile(file, 'not a database')
  expect(fileVersion(file)).toEqual(expect.any(String))
})

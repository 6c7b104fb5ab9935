import { unlink, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watchedScope } from '../../fixtures/scope.ts'
import { openSqlite, type SqliteWorld } from '../../fixtures/sqlite-world.ts'

let world: SqliteWorld
beforeEach(async () => {
  world = await openSqlite('WAL')
})
afterEach(() => world.close())

test('a live file that is lost is refused with a cure that a restore then replaces', async () => {
  const databases = world.databases(watchedScope())
  const { database } = world
  const dump = await databases.dump(database, 'shop', world.place('backup.db'))
  await unlink(database.file)
  await expect(databases.identity(database)).rejects.toMatchObject({
    code: 'preflight',
    hint: expect.stringContaining(`touch '${database.file}'`) as string,
  })

  await writeFile(database.file, '')
  expect(await databases.identity(database)).toMatchObject({ bytes: 0 })
  expect((await databases.fingerprint(database, 'shop')).tables).toEqual([])
  expect((await databases.contents(database, 'shop')).tables).toEqual([])
  await databases.restoreBeside(database, dump, 'shop__rb_staged')
  await databases.swap(database, { staged: 'shop__rb_staged', aside: 'shop__rb_aside' })
  expect((await databases.fingerprint(database, 'shop')).tables.map(({ rows }) => rows)).toEqual([3, 2])
})

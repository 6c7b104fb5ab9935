import { execFileSync } from 'node:child_process'
import { lstat, readdir, readlink, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { shell } from '../../../src/adapters/process/shell.ts'
import { unwrapWith } from '../../../src/adapters/unwrap/unwrap.ts'
import { secretsOf } from '../../fixtures/secrets.ts'
import { sqliteDatabases } from '../../../src/adapters/sqlite/databases.ts'
import type { Databases, Dump } from '../../../src/drivers/databases.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { openSqlite, type SqliteWorld } from '../../fixtures/sqlite-world.ts'

const [staged, aside] = ['shop.db.rb-staged', 'shop.db.rb-aside']

describe('SQLite files', () => {
  let world: SqliteWorld
  let databases: Databases
  let dump: Dump
  let file: string
  beforeEach(async () => {
    world = await openSqlite('WAL')
    databases = world.databases(watchedScope())
    file = world.database.file
    dump = await databases.dump(world.database, 'shop', join(world.folder, 'shop-20260203-041233.db'))
  })
  afterEach(() => world.close())

  const names = async () => (await readdir(world.folder)).filter((name) => name.startsWith('shop.db')).sort()

  test('a live path that is a link stays one', async () => {
    const linked = { ...world.database, file: join(world.folder, 'current.db') }
    await symlink('shop.db', linked.file)
    await databases.restoreBeside(linked, dump, staged)
    await databases.swap(linked, { staged, aside })
    expect(await names()).toEqual(['shop.db', aside])
    expect((await stat(linked.file)).ino).toBe((await stat(file)).ino)
  })

  test.each(['a copy elsewhere', 'the live file', 'nothing'])(
    'a link to %s in the place of a copy is another one, and does not go live',
    async (what) => {
      await databases.restoreBeside(world.database, dump, staged)
      const made = await databases.identity(world.database, staged)
      const [name, elsewhere] = [join(world.folder, staged), join(world.folder, 'elsewhere.db')]
      await rename(name, elsewhere)
      const to = what === 'nothing' ? join(world.folder, 'none') : what === 'the live file' ? file : elsewhere
      await symlink(to, name)
      const live = await stat(file)

      expect(await databases.exists(world.database, staged)).toBe(true)
      expect((await databases.identity(world.database, staged)).instance).not.toBe(made.instance)
      await expect(databases.fileVersion(world.database, staged)).rejects.toMatchObject({ code: 'failed' })
      await expect(databases.readExclusively(world.database, staged, async () => null)).rejects.toThrow(
        what === 'nothing' ? 'not found' : 'symbolic link',
      )
      await expect(databases.swap(world.database, { staged, aside })).rejects.toThrow('symbolic link')
      expect((await lstat(file)).ino).toBe(live.ino)
      expect(await readlink(name)).toBe(to)
      expect(await databases.exists(world.database, aside)).toBe(false)
    },
  )

  test('a link that an old file left in its place does not become live again', async () => {
    await databases.restoreBeside(world.database, dump, staged)
    await databases.swap(world.database, { staged, aside })
    const [old, elsewhere] = [join(world.folder, aside), join(world.folder, 'elsewhere.db')]
    await rename(old, elsewhere)
    await symlink(elsewhere, old)
    await expect(databases.swap(world.database, { staged: aside, aside: 'kept.db' })).rejects.toThrow(
      'symbolic link',
    )
    execFileSync('rm', [file])
    await expect(databases.swap(world.database, { staged: aside, aside: null })).rejects.toThrow(
      'symbolic link',
    )
  })

  test('a live file that is gone is said to be gone, and nothing is made in its place', async () => {
    await databases.restoreBeside(world.database, dump, staged)
    execFileSync('rm', [file])
    await expect(databases.swap(world.database, { staged, aside })).rejects.toMatchObject({
      message: expect.stringContaining('not found'),
      hint: expect.any(String),
    })
    await expect(databases.identity(world.database)).rejects.toMatchObject({ code: 'preflight' })
    await expect(databases.fingerprint(world.database, 'shop')).rejects.toThrow('not found')
    expect(await names()).toEqual([staged])
  })

  test('a neighbour of another kind is neither dropped nor written over', async () => {
    await writeFile(join(world.folder, 'invoices.csv'), 'id;amount\n'.repeat(50))
    await expect(databases.drop(world.database, 'invoices.csv')).rejects.toThrow('not a SQLite database')
    await expect(databases.restoreBeside(world.database, dump, 'invoices.csv')).rejects.toThrow(
      'not a SQLite database',
    )
    for (const name of ['../shop.db', 'shop.db-wal', '.', ''])
      await expect(databases.drop(world.database, name)).rejects.toMatchObject({ code: 'usage' })
  })

  test('looking changes nothing in the folder', async () => {
    await databases.restoreBeside(world.database, dump, staged)
    const look = async () =>
      Promise.all(
        (await readdir(world.folder)).sort().map(async (name) => {
          const { ino, size, mtimeNs } = await stat(join(world.folder, name), { bigint: true })
          return [name, ino, size, mtimeNs]
        }),
      )
    const before = await look()
    for (const name of ['shop', staged]) {
      await databases.fingerprint(world.database, name)
      await databases.query(world.database, name, 'SELECT 1')
      await databases.sessions(world.database, name)
    }
    await databases.identity(world.database)
    await databases.inspect(world.database, dump.file)
    expect(await look()).toEqual(before)
  })

  test('a dump is never written over', async () => {
    await expect(databases.dump(world.database, 'shop', dump.file)).rejects.toThrow('already exists')
    expect(await databases.inspect(world.database, dump.file)).toEqual(dump)
  })

  test('a query that never ends is ended', async () => {
    const within = (seconds: number) =>
      sqliteDatabases({
        unwrap: unwrapWith({ shell, secrets: secretsOf({}) }),
        scope: watchedScope(),
        queryLimits: { rows: 10, bytes: 1_000, seconds },
      })
    const bounded = within(60)
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
    await expect(within(1).query(world.database, 'shop', endless)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('query timed out after 1 s'),
    })
    await expect(bounded.query(world.database, 'shop', endless.replace('max(i)', 'i'))).rejects.toThrow(
      'more than 10 rows',
    )
    for (const writing of [
      "ATTACH 'x' AS y",
      'PRAGMA user_version = 3',
      'SELECT 1; DELETE FROM orders',
      'INSERT INTO orders (note) VALUES (1) RETURNING id',
      'BEGIN',
    ]) {
      await expect(bounded.query(world.database, 'shop', writing)).rejects.toThrow()
    }
    expect(
      await bounded.query(
        world.database,
        'shop',
        "SELECT 9007199254740993 AS big, x'00ff' AS blob, 1.5 AS real, NULL AS none, 'ü' AS text",
      ),
    ).toEqual([{ big: '9007199254740993', blob: '00ff', real: 1.5, none: null, text: 'ü' }])
  })
})

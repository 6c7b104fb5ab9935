import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Databases, PostgresDatabase } from '../../../src/drivers/databases.ts'
import {
  eachOnServer,
  requirement,
  serverFixture,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe.skipIf(!requirement())('what the role of a target may not read', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases
  let plain: PostgresDatabase

  eachOnServer((on) => {
    ;({ fixture, world, databases } = on)
    plain = fixture.databaseOf({ user: 'rb_plain' })
  })

  const cures = async (): Promise<readonly string[]> =>
    (await databases.unreadable(plain)).flatMap(({ cures: all }) => all)
  /** Applies the cures until nothing is left, and then both readers succeed. */
  const cured = async (): Promise<void> => {
    const statements = await cures()
    expect(statements).not.toEqual([])
    await world.sql(statements.join(';'))
    expect(await databases.unreadable(plain)).toEqual([])
    await databases.fingerprint(plain, 'shop')
    await databases.dump(plain, 'shop', world.place('cured.dump'))
  }
  const failsNow = async (): Promise<void> => {
    await expect(databases.fingerprint(plain, 'shop')).rejects.toThrow(/permission denied|row-level security/)
    await expect(databases.dump(plain, 'shop', world.place('denied.dump'))).rejects.toThrow(
      /permission denied|row-level security/,
    )
  }

  test('is a table of another owner, in a schema that is closed too', async () => {
    await world.sql('CREATE SCHEMA "bill ing"; CREATE TABLE "bill ing"."in.voices" (x int)')
    await failsNow()
    expect(await databases.unreadable(plain)).toEqual([
      {
        what: 'table',
        name: 'bill ing."in.voices"',
        why: expect.stringMatching(/^no USAGE on its schema and no SELECT, owner \w+$/) as string,
        cures: [
          'GRANT USAGE ON SCHEMA "bill ing" TO rb_plain',
          'GRANT SELECT ON TABLE "bill ing"."in.voices" TO rb_plain',
        ],
      },
    ])
    expect(await databases.unreadable(fixture.databaseOf())).toEqual([])
    await cured()
  })

  test('is a sequence', async () => {
    await world.sql('CREATE SEQUENCE numbers')
    await failsNow()
    expect(await databases.unreadable(plain)).toMatchObject([{ what: 'sequence', name: 'public.numbers' }])
    await cured()
  })

  test('is a table whose policies hide rows', async () => {
    await world.sql(
      'CREATE TABLE hidden (x int); GRANT SELECT ON hidden TO rb_plain; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY',
    )
    await failsNow()
    expect(await databases.unreadable(plain)).toMatchObject([
      { name: 'public.hidden', cures: ['ALTER ROLE rb_plain BYPASSRLS'] },
    ])
    try {
      await cured()
    } finally {
      await world.sql('ALTER ROLE rb_plain NOBYPASSRLS')
    }
  })

  test('is a large object, until its privileges or those of a role allow it', async () => {
    await world.sql("SELECT lo_from_bytea(4711, 'x')")
    await failsNow()
    expect(await databases.unreadable(plain)).toMatchObject([{ what: 'large object', name: '4711' }])
    await world.sql('GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC')
    expect(await databases.unreadable(plain)).toEqual([])
    await world.sql(
      'REVOKE ALL ON LARGE OBJECT 4711 FROM PUBLIC; GRANT SELECT ON LARGE OBJECT 4711 TO shop_owner',
    )
    expect(await databases.unreadable(plain)).toEqual([])
    await world.sql('REVOKE ALL ON LARGE OBJECT 4711 FROM shop_owner')
    await cured()
  })

  test('is a partitioned table, which a dump locks', async () => {
    await world.sql(
      'CREATE TABLE parts (x int) PARTITION BY RANGE (x); CREATE TABLE part PARTITION OF parts DEFAULT; GRANT SELECT ON part TO rb_plain',
    )
    expect(await databases.unreadable(plain)).toMatchObject([
      { what: 'partitioned table', name: 'public.parts' },
    ])
    await databases.fingerprint(plain, 'shop')
    await cured()
  })

  test('is nothing where the role owns all', async () => {
    expect(await databases.unreadable(plain)).toEqual([])
  })
})

describe.skipIf(!requirement())('a table whose file is lost', () => {
  test('is told as damage, and the database is exchanged and brought back all the same', async () => {
    const fixture = await serverFixture()
    const world = await fixture.world()
    try {
      const databases = () => world.databases(watchedScope())
      const dump = await databases().dump(world.database, 'shop', world.place('shop.dump'))
      const [row] = await world.sql("SELECT pg_relation_filepath('orders') AS path")
      await world.sql('CHECKPOINT')
      await unlink(join(fixture.cluster.dataDir, String(row?.['path'])))
      await expect(databases().fingerprint(world.database, 'shop')).rejects.toMatchObject({
        code: 'verification',
      })
      const { instance } = await databases().identity(world.database)
      const names = { staged: 'shop__rb_staged', aside: 'shop__rb_aside' }
      await databases().restoreBeside(world.database, dump, names.staged)
      await databases().swap(world.database, names)
      expect((await databases().fingerprint(world.database, 'shop')).tables).toHaveLength(2)
      await databases().swap(world.database, { staged: names.aside, aside: names.staged })
      expect((await databases().identity(world.database)).instance).toBe(instance)
    } finally {
      await world.close()
      await fixture.stop()
    }
  })
})

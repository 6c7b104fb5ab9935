import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Databases, Dump } from '../../../src/drivers/databases.ts'
import { acts } from '../../../src/model/step.ts'
import { assertRestored, requireFit } from '../../../steps/index.ts'
import { emptyTables } from '../../../steps/migrations/lib/empty-tables.ts'
import { revisionOf } from '../../../steps/migrations/lib/revision.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'

describe.skipIf(!requirement())('unusual dumps of PostgreSQL', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases
  const copy = 'shop__rb_20260203_050000_abcde'

  eachOnServer((on) => {
    ;({ fixture, world, databases } = on)
  })

  const take = () => databases.dump(world.database, 'shop', world.place('shop.dump'))
  const byHand = async (...args: readonly string[]): Promise<Dump> => {
    const file = world.place('by-hand.dump')
    execFileSync(
      join(fixture.cluster.bin, 'pg_dump'),
      ['--format=custom', ...args, '--file', file, fixture.urlOf('shop')],
      { env: { PATH: process.env['PATH'] ?? '' } },
    )
    return databases.inspect(world.database, file)
  }
  const notes: string[] = []
  const look = () =>
    ({
      databases,
      run: { id: '20260203-050000-abcde' },
      note: (line: string) => void notes.push(line),
      signal: new AbortController().signal,
    }) as never

  describe('with the table of alembic in another schema', () => {
    beforeEach(() =>
      world.sql(
        `CREATE SCHEMA "my app"; CREATE TABLE "my app".alembic_version (version_num varchar(64) PRIMARY KEY);
         INSERT INTO "my app".alembic_version VALUES ('2025_12_20_a_long_revision_identifier_of_this_team');
         CREATE TABLE "my app".terms (id int PRIMARY KEY); INSERT INTO "my app".terms VALUES (1), (2);
         ALTER DATABASE shop SET search_path = 'my app'`,
      ),
    )
    const asserted = async () => {
      const archive = await take()
      const restored = await databases.restoreBeside(world.database, archive, copy)
      const { step } = assertRestored
      if (acts(step)) throw new Error('it acts')
      return step.run(look(), { database: world.database, copy: restored, archive, assertions: [] })
    }

    test('its revision is read, of the live database and of a copy', async () => {
      const revision = '2025_12_20_a_long_revision_identifier_of_this_team'
      expect(await revisionOf(look(), world.database)).toBe(revision)
      expect(await asserted()).toMatchObject({ revision })
    })

    test('and one in public too, both are named', async () => {
      await world.sql(
        "CREATE TABLE public.alembic_version (version_num text); INSERT INTO public.alembic_version VALUES ('c3')",
      )
      await expect(revisionOf(look(), world.database)).rejects.toMatchObject({
        code: 'preflight',
        message:
          'shop has 2 tables of alembic: my app.alembic_version (2025_12_20_a_long_revision_identifier_of_this_team) and public.alembic_version (c3)',
      })
      expect(await asserted()).toMatchObject({
        revision:
          'my app.alembic_version: 2025_12_20_a_long_revision_identifier_of_this_team; public.alembic_version: c3',
      })
    })

    test('a table is emptied where the search path finds it', async () => {
      await emptyTables(look(), world.database, 'terms')
      expect(await world.sql('SELECT count(*)::int AS rows FROM "my app".terms')).toEqual([{ rows: 0 }])
    })
  })

  test.each(['rb_admin', 'rb_plain'])(
    'of the schema public alone are restored beside by %s',
    async (user) => {
      await world.sql('CREATE SCHEMA billing; CREATE TABLE billing.invoices (x int)')
      const dump = await byHand('--schema=public')
      expect(dump.tables).toEqual(['public.customers', 'public.orders'])
      const database = fixture.databaseOf({ user })
      await databases.restoreBeside(database, dump, copy)
      const { tables } = await databases.fingerprint(database, copy)
      expect(tables.map(({ table, rows }) => [table, rows])).toEqual([
        ['public.customers', 3],
        ['public.orders', 2],
      ])
    },
  )

  test('of rows that break their foreign keys come back exactly, and no other way', async () => {
    await world.sql(
      `CREATE TABLE items (id int PRIMARY KEY, "order" int REFERENCES orders);
       CREATE MATERIALIZED VIEW counted AS SELECT count(*)::int AS items FROM items;
       INSERT INTO items VALUES (1, 1);
       ALTER TABLE items DISABLE TRIGGER ALL; INSERT INTO items VALUES (2, 99); ALTER TABLE items ENABLE TRIGGER ALL;
       REFRESH MATERIALIZED VIEW counted`,
    )
    const print = () => databases.fingerprint(world.database, 'shop')
    const orphaned = await print()
    const dump = await take()
    expect(await databases.readBack(world.database, dump.file)).toEqual(dump)
    await world.sql('DROP MATERIALIZED VIEW counted; DROP TABLE items; DELETE FROM orders')
    const other = await print()
    await expect(databases.restoreInPlace(world.database, dump)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('items_order_fkey'),
    })
    expect(await print()).toEqual(other)
    for (const _time of [1, 2]) {
      await databases.restoreExactly(world.database, dump)
      expect(await print()).toEqual(orphaned)
      expect(await world.sql('SELECT items FROM counted')).toEqual([{ items: 2 }])
    }
  })

  test('in another encoding name their tables and roles', async () => {
    await world.sql(
      'CREATE ROLE größe; CREATE SCHEMA "Lädchen"; CREATE TABLE "Lädchen"."Bücher é" (x int); ALTER TABLE "Lädchen"."Bücher é" OWNER TO größe',
    )
    try {
      for (const encoding of ['LATIN1', 'WIN1252', 'UTF8']) {
        const dump = await byHand(`--encoding=${encoding}`)
        expect(dump.tables, encoding).toContain('Lädchen.Bücher é')
        expect(await databases.fit(world.database, dump)).toEqual({
          missingRoles: [],
          missingExtensions: [],
          needsSuperuser: [],
        })
      }
    } finally {
      await world.sql('DROP TABLE "Lädchen"."Bücher é"; DROP ROLE größe')
    }
  })

  describe('with a subscription', () => {
    const subscribe = (name: string, options: string, of = 'shop') =>
      world.sql(
        `CREATE SUBSCRIPTION ${name} CONNECTION 'host=127.0.0.1 port=1 dbname=nope' PUBLICATION x WITH (connect = false, ${options})`,
        of,
      )
    /** So that the database can be dropped after the test. */
    const unsubscribe = (name: string, of: string) =>
      world.sql(
        `ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); DROP SUBSCRIPTION ${name}`,
        of,
      )

    test('are restored without it, say so, and leave a copy that can be dropped', async () => {
      await subscribe('"feed 1"', "enabled = false, slot_name = 'feed'")
      try {
        const dump = await take()
        expect(dump.subscriptions).toEqual(['feed 1'])
        notes.length = 0
        const { step } = requireFit
        if (acts(step)) throw new Error('it acts')
        await step.run(look(), { database: world.database, archive: dump })
        expect(notes).toEqual([
          expect.stringContaining('not restored: the subscriptions feed 1'),
          expect.stringContaining('without superuser rights'),
        ])
        await databases.restoreBeside(world.database, dump, copy)
        expect(await world.sql('SELECT FROM pg_subscription', copy)).toHaveLength(1)
        await databases.drop(world.database, copy)
        await databases.restoreInPlace(world.database, dump)
        await databases.restoreExactly(world.database, dump)
        expect(await world.sql('SELECT subname FROM pg_subscription')).toEqual([{ subname: 'feed 1' }])
      } finally {
        await unsubscribe('"feed 1"', 'shop')
      }
    })

    test('a copy that an earlier version restored with it is dropped', async () => {
      await databases.restoreBeside(world.database, await take(), copy)
      await subscribe('feed', "enabled = false, slot_name = 'feed'", copy)
      await databases.drop(world.database, copy)
      expect(await databases.exists(world.database, copy)).toBe(false)
    })

    test('a database that was put aside is dropped unless its subscription may be in use', async () => {
      const aside = 'shop__old_20260203_050000_abcde'
      await databases.restoreBeside(world.database, await take(), aside)
      await subscribe('feed', "enabled = false, slot_name = 'feed'", aside)
      await expect(databases.drop(world.database, aside)).rejects.toMatchObject({
        code: 'failed',
        message: `cannot drop database ${aside}: its subscription feed may be in use`,
        hint: expect.stringContaining('DROP SUBSCRIPTION "feed"'),
      })
      expect(await world.sql('SELECT subname FROM pg_subscription', aside)).toEqual([{ subname: 'feed' }])
      await world.sql('ALTER SUBSCRIPTION feed SET (slot_name = NONE)', aside)
      await databases.drop(world.database, aside)
      expect(await databases.exists(world.database, aside)).toBe(false)
    })
  })
})

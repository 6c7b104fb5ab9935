import { describe, expect, test } from 'vitest'
import type { DatabaseFacts } from '../../../src/adapters/postgres/database-facts.ts'
import { swapScript } from '../../../src/adapters/postgres/swap.ts'
import type { Dump, Databases } from '../../../src/drivers/databases.ts'
import { connected } from '../../fixtures/postgres-world.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'

/** What the catalogs say of a database, in the tests' own words. */
const outside = `
SELECT pg_get_userbyid(d.datdba) AS owner, d.datconnlimit, d.datallowconn, d.datistemplate, shobj_description(d.oid, 'pg_database') AS comment,
  (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(d.datacl, acldefault('d', d.datdba))) AS a) AS acl,
  (SELECT json_agg(json_build_array(s.setrole::regrole, (SELECT array_agg(c ORDER BY c) FROM unnest(s.setconfig) AS c)) ORDER BY s.setrole)
   FROM pg_db_role_setting AS s WHERE s.setdatabase = d.oid) AS settings
FROM pg_database AS d WHERE d.datname = `

describe.skipIf(!requirement())('swapping databases of PostgreSQL', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases
  let dump: Dump
  const names = { staged: 'shop__rb_staged', aside: 'shop__rb_aside' }
  const back = { staged: names.aside, aside: names.staged }

  eachOnServer(async (on) => {
    ;({ fixture, world, databases } = on)
    dump = await databases.dump(world.database, 'shop', world.place('shop.dump'))
  })

  const stage = () => databases.restoreBeside(world.database, dump, names.staged)
  const swap = (pair = names) => databases.swap(world.database, pair)
  const facts = async (name: string) => (await world.sql(`${outside}'${name}'`, 'postgres'))[0]
  const there = async () =>
    (
      await world.sql("SELECT datname FROM pg_database WHERE datname LIKE 'shop%' ORDER BY 1", 'postgres')
    ).map((row) => row['datname'])

  const furnish = () =>
    world.sql(
      `REVOKE ALL ON DATABASE shop FROM PUBLIC;
       GRANT CONNECT ON DATABASE shop TO shop_reader WITH GRANT OPTION;
       SET ROLE shop_reader; GRANT CONNECT ON DATABASE shop TO rb_plain; RESET ROLE;
       ALTER DATABASE shop CONNECTION LIMIT 23;
       ALTER DATABASE shop SET search_path TO "$user", public, 'od"d, schema', '';
       ALTER DATABASE shop SET "app.tenant" TO 'O''Brien = \\ 1';
       ALTER DATABASE shop SET DateStyle TO 'ISO, DMY';
       ALTER DATABASE shop SET statement_timeout TO '59s';
       ALTER ROLE shop_reader IN DATABASE shop SET default_transaction_read_only TO on;
       ALTER ROLE shop_owner IN DATABASE shop SET work_mem TO '9MB';
       COMMENT ON DATABASE shop IS 'the shop''s \\ data'`,
      'postgres',
    )

  test('carries over owner, rights, settings, limit and comment, and swapping back restores all of it', async () => {
    await furnish()
    const before = await facts('shop')
    expect(before).toMatchObject({ owner: 'shop_owner', datconnlimit: 23, comment: "the shop's \\ data" })
    await stage()
    await swap()
    expect(await facts('shop')).toEqual(before)
    expect(await facts(names.aside)).toEqual(before)
    await swap(back)
    expect(await facts('shop')).toEqual(before)
  })

  test('swapping back takes along what was set in between', async () => {
    await stage()
    await swap()
    await world.sql(
      "ALTER DATABASE shop CONNECTION LIMIT 7; ALTER DATABASE shop OWNER TO rb_plain; ALTER DATABASE shop SET work_mem TO '7MB'",
      'postgres',
    )
    const between = await facts('shop')
    await swap(back)
    expect(await facts('shop')).toEqual(between)
  })

  test('the application goes on reading and writing, as the owner of its tables and without knowing', async () => {
    await world.sql(
      "CREATE TABLE notes (id integer GENERATED ALWAYS AS IDENTITY, body text); ALTER TABLE notes OWNER TO shop_owner; INSERT INTO notes (body) VALUES ('one')",
    )
    await world.sql('GRANT SELECT ON notes TO shop_reader')
    dump = await databases.dump(world.database, 'shop', world.place('later.dump'))
    await stage()
    await swap()
    const rows = await world.sql(
      "INSERT INTO notes (body) VALUES ('two'); ALTER TABLE notes ADD COLUMN more text; SELECT id FROM notes ORDER BY id",
      'shop',
      'shop_owner',
    )
    expect(rows).toEqual([{ id: 1 }, { id: 2 }])
    expect(await world.sql('SELECT count(*)::int AS n FROM notes', 'shop', 'shop_reader')).toEqual([{ n: 2 }])
    await expect(world.sql('DELETE FROM notes', 'shop', 'shop_reader')).rejects.toThrow('permission denied')
  })

  test('until it is swapped in, a copy is closed to those who may connect by default', async () => {
    await stage()
    await expect(world.sql('SELECT 1', names.staged, 'shop_reader')).rejects.toThrow('permission denied')
    await swap()
    expect(await world.sql('SELECT 1 AS one', 'shop', 'shop_reader')).toEqual([{ one: 1 }])
  })

  test('a session that stays is ended', async () => {
    await stage()
    const client = await connected(fixture.urlOf('shop'))
    await swap()
    await expect(client.query('SELECT 1')).rejects.toThrow()
    expect(await there()).toEqual(['shop', names.aside])
  })

  test('an application that connects again at once does not keep it from happening, and finds the new database', async () => {
    await stage()
    await world.sql('DELETE FROM orders')
    const counts = new Set<unknown>()
    let connections = 0
    // Each stays until it is ended, and is back the next moment, until it has seen the restored rows.
    const application = async (): Promise<void> => {
      while (!counts.has(2)) {
        const client = await connected(fixture.urlOf('shop')).catch(() => null)
        try {
          connections += 1
          counts.add(
            (await client?.query<{ n: number }>('SELECT count(*)::int AS n FROM orders'))?.rows[0]?.n,
          )
          if (!counts.has(2)) await client?.query('SELECT pg_sleep(30)')
        } catch {
          // ended in the middle, as is to be expected
        }
        await client?.end().catch(() => undefined)
      }
    }
    const applications = Promise.all([application(), application(), application()])
    await swap()
    await applications
    expect(connections).toBeGreaterThan(3)
    expect(await there()).toEqual(['shop', names.aside])
  })

  test('a session that may not be ended is named, and nothing has moved', async () => {
    const plain = fixture.databaseOf({ user: 'rb_plain' })
    await databases.restoreBeside(plain, dump, names.staged)
    const superuser = await connected(`${fixture.urlOf('shop')}?application_name=nightly-report`)
    try {
      await expect(databases.swap(plain, names)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('nightly-report (postgres)'),
      })
      expect(await there()).toEqual(['shop', names.staged])
      expect((await superuser.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    } finally {
      await superuser.end()
    }
  })

  test('what cannot be carried over keeps everything where it is', async () => {
    await world.sql("ALTER DATABASE shop SET log_statement TO 'all'", 'postgres')
    const before = await facts('shop')
    const plain = fixture.databaseOf({ user: 'rb_plain' })
    await databases.restoreBeside(plain, dump, names.staged)
    await expect(databases.swap(plain, names)).rejects.toThrow('log_statement')
    expect(await there()).toEqual(['shop', names.staged])
    expect(await facts('shop')).toEqual(before)
  })

  test('what would differ after all is found inside the transaction, and nothing has moved', async () => {
    await stage()
    await world.sql('ALTER DATABASE shop CONNECTION LIMIT 7', 'postgres')
    const unaware: DatabaseFacts = {
      owner: 'shop_owner',
      connectionLimit: -1,
      allowConnections: true,
      isTemplate: false,
      comment: null,
      acl: [],
      settings: [],
    }
    await expect(
      world.sql(swapScript({ live: 'shop', ...names }, { live: unaware, staged: unaware }), 'postgres'),
    ).rejects.toThrow('differ in owner, privileges or settings')
    expect(await there()).toEqual(['shop', names.staged])
  })

  test('a role that is no superuser restores and swaps what it owns', async () => {
    const plain = fixture.databaseOf({ user: 'rb_plain' })
    await databases.restoreBeside(plain, dump, names.staged)
    await databases.swap(plain, names)
    expect(await facts('shop')).toMatchObject({ owner: 'shop_owner' })
    expect(await world.sql("SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")).toEqual([
      { tableowner: 'shop_owner' },
      { tableowner: 'shop_owner' },
    ])
  })
})

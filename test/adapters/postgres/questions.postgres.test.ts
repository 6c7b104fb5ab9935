import { describe, expect, test } from 'vitest'
import type { Databases } from '../../../src/drivers/databases.ts'
import { postgresDatabases } from '../../../src/adapters/postgres/databases.ts'
import { mostRows } from '../../../src/adapters/postgres/query.ts'
import { eventually } from '../../fixtures/eventually.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { connected } from '../../fixtures/postgres-world.ts'
import { secretsOf } from '../../fixtures/secrets.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe.skipIf(!requirement())('asking PostgreSQL', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer((on) => {
    ;({ fixture, world, databases } = on)
  })

  const ask = (sql: string) => databases.query(world.database, 'shop', sql)
  const print = () => databases.fingerprint(world.database, 'shop')

  describe('who answers', () => {
    test("its version is the server's, and its identity says which of two databases", async () => {
      const shop = await databases.identity(world.database)
      expect(shop.host).toBe(`127.0.0.1:${fixture.cluster.port}`)
      const other = await databases.identity({ ...world.database, name: 'postgres' })
      expect(other.system).not.toBe(shop.system)
      expect(other.system.split('/')[0]).toBe(shop.system.split('/')[0])
    })

    test('a wrong password is preflight, and does not stand in the message', async () => {
      const wrong = postgresDatabases({
        ...fixture.means({ secrets: secretsOf({ SHOP_PASSWORD: 'not the right one' }) }),
        scope: watchedScope(),
      })
      const thrown: unknown = await wrong.identity(world.database).catch((error: unknown) => error)
      expect(thrown).toMatchObject({
        code: 'preflight',
        message: expect.stringContaining('password authentication failed'),
      })
      expect(String(thrown)).not.toContain('not the right one')
    })

    test('a password that cannot be had, a port where nobody listens, a database that is not there: preflight', async () => {
      const without = postgresDatabases({
        ...fixture.means({ secrets: secretsOf({}) }),
        scope: watchedScope(),
      })
      await expect(without.identity(world.database)).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringContaining('SHOP_PASSWORD'),
      })
      await expect(
        databases.identity(fixture.databaseOf({ via: { ...fixture.via, port: 1 } })),
      ).rejects.toMatchObject({ code: 'preflight' })
      await expect(databases.identity(fixture.databaseOf({ name: 'shop_nowhere' }))).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringContaining('shop_nowhere'),
      })
    })
  })

  describe('with one client an attempt', () => {
    test('questions about several databases share it, and an error ends it', async () => {
      const scope = watchedScope()
      const driver = world.databases(scope)
      await driver.identity(world.database)
      const { length } = scope.children
      await driver.exists(world.database, 'shop')
      expect(await driver.query(world.database, 'shop', 'SELECT current_database() AS d')).toEqual([
        { d: 'shop' },
      ])
      expect(await driver.query(world.database, 'postgres', 'SELECT current_database() AS d')).toEqual([
        { d: 'postgres' },
      ])
      expect(scope.children).toHaveLength(length)
      await expect(driver.query(world.database, 'shop', 'SELECT nothing')).rejects.toThrow(
        'column "nothing" does not exist',
      )
      await expect(driver.query(world.database, 'nowhere', 'SELECT 1')).rejects.toThrow(
        'database "nowhere" does not exist',
      )
      expect(await driver.query(world.database, 'shop', 'SELECT 1 AS n')).toEqual([{ n: 1 }])
    })

    test('questions of a look that are asked together share it too, and one that fails stops no other', async () => {
      const askedTogether = async (oneClient: boolean): Promise<number> => {
        const scope = watchedScope()
        const driver = postgresDatabases({ ...fixture.means(), scope, oneClient })
        await driver.identity(world.database)
        const { length } = scope.children
        const numbers = [1, 2, 3, 4].map((n) => driver.query(world.database, 'shop', `SELECT ${n} AS n`))
        expect(await Promise.all(numbers)).toEqual([1, 2, 3, 4].map((n) => [{ n }]))
        return scope.children.length - length
      }
      expect(await askedTogether(true)).toBe(0)
      expect(await askedTogether(false)).toBeGreaterThan(0)
      const driver = postgresDatabases({ ...fixture.means(), scope: watchedScope(), oneClient: true })
      const [failed, answered] = await Promise.allSettled([
        driver.query(world.database, 'shop', 'SELECT nothing'),
        driver.query(world.database, 'shop', 'SELECT 1 AS n'),
      ])
      expect([failed.status, answered.status]).toEqual(['rejected', 'fulfilled'])
    })

    test('it waits in no database that is renamed or dropped', async () => {
      const driver = world.databases(watchedScope())
      await driver.query(world.database, 'shop', 'SELECT 1')
      expect(await world.sql("SELECT 1 FROM pg_stat_activity WHERE datname = 'shop'", 'postgres')).toEqual([])
    })

    test('a role that may not connect to the maintenance database asks its own', async () => {
      await world.sql('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC', 'postgres')
      try {
        const plain = fixture.databaseOf({ user: 'rb_plain' })
        expect(await databases.query(plain, 'shop', 'SELECT 1 AS n')).toEqual([{ n: 1 }])
        expect(await databases.identity(plain)).toMatchObject({ name: 'shop' })
        await expect(databases.exists(plain, 'shop')).rejects.toThrow('permission denied')
      } finally {
        await world.sql('GRANT CONNECT ON DATABASE postgres TO PUBLIC', 'postgres')
      }
    })
  })

  describe('by query', () => {
    test('values keep their kinds', async () => {
      expect(
        await ask(
          "SELECT 1 AS n, 2.5 AS d, NULL AS nothing, true AS yes, 'it''s \\ \"x\"\n:y' AS text, json '{\"a\":\n[1]}' AS json;",
        ),
      ).toEqual([{ n: 1, d: 2.5, nothing: null, yes: true, text: 'it\'s \\ "x"\n:y', json: { a: [1] } }])
      expect(await ask('SELECT 1 AS n WHERE false')).toEqual([])
      expect(await ask('SELECT name FROM customers ORDER BY id -- by number')).toEqual([
        { name: 'Ada' },
        { name: 'Grace' },
        { name: 'Edsger' },
      ])
    })

    test.each([
      'DELETE FROM orders',
      'DELETE FROM orders; SELECT 1',
      'SELECT 1) AS q; DELETE FROM orders; SELECT (1',
      'SELECT 1; COMMIT; DELETE FROM orders',
      'COMMIT',
      'WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone',
      "SELECT set_config('transaction_read_only', 'off', false)",
      "SELECT nextval('tickets')",
      '\\! touch /tmp/never\nSELECT 1',
      "' || (SELECT 1) || '",
      '$$ $x$ SELECT 1',
    ])('refuses %j', async (sql) => {
      await world.sql('CREATE SEQUENCE tickets')
      const before = await print()
      await expect(ask(sql)).rejects.toMatchObject({ code: 'failed' })
      expect(await print()).toEqual(before)
    })

    test('stopped, it ends on the server too', async () => {
      const stop = new AbortController()
      const asking = world
        .databases(watchedScope({ signal: stop.signal }))
        .query(world.database, 'shop', 'SELECT pg_sleep(50)')
      asking.catch(() => undefined)
      const ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rb:test-run:test-step'"
      await eventually(
        async () => (await world.sql(`${ours} AND wait_event = 'PgSleep'`, 'postgres')).length === 1,
        'the query runs',
      )
      stop.abort(new Error('stopped'))
      await expect(asking).rejects.toThrow('stopped')
      expect(await world.sql(ours, 'postgres')).toEqual([])
    })

    test('more rows than fit an answer are an error', async () => {
      expect(await ask(`SELECT generate_series(1, ${mostRows})`)).toHaveLength(mostRows)
      await expect(ask(`SELECT generate_series(1, ${mostRows + 1})`)).rejects.toThrow(`${mostRows} rows`)
    })
  })

  describe('by fingerprint', () => {
    test('settings that change how values are written change nothing', async () => {
      await world.sql(
        "CREATE TABLE odd AS SELECT 0.1::float8 + 0.2 AS f, now() AS at, '\\x00ff'::bytea AS b, '1 day'::interval AS i, 'orders'::regclass AS r",
      )
      const before = await print()
      await world.sql(
        `ALTER DATABASE shop SET DateStyle TO 'German'; ALTER DATABASE shop SET TimeZone TO 'Asia/Tokyo'; ALTER DATABASE shop SET extra_float_digits TO -5;
         ALTER DATABASE shop SET bytea_output TO 'escape'; ALTER DATABASE shop SET IntervalStyle TO 'sql_standard'; ALTER DATABASE shop SET search_path TO pg_catalog`,
        'postgres',
      )
      expect(await print()).toEqual(before)
    })

    test.each([
      ['a sequence', 'CREATE SEQUENCE s', "SELECT nextval('s')"],
      ['a type', 'CREATE TABLE t (n integer)', 'ALTER TABLE t ALTER n TYPE bigint'],
      ['an index', 'CREATE TABLE t (n integer)', 'CREATE UNIQUE INDEX ON t (n)'],
      ['a large object', "SELECT lo_from_bytea(4711, 'one')", "SELECT lo_put(4711, 0, 'two')"],
      ['an empty table', 'SELECT 1', 'CREATE TABLE t ()'],
      ['a row that is there twice', 'CREATE TABLE t AS SELECT 1 AS n', 'INSERT INTO t VALUES (1)'],
      [
        'a row in a partition',
        'CREATE TABLE t (n int) PARTITION BY RANGE (n); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9)',
        'INSERT INTO t VALUES (1)',
      ],
    ])('sees %s', async (_, first, then) => {
      await world.sql(first)
      const before = await print()
      await world.sql(then)
      expect((await print()).digest).not.toBe(before.digest)
    })

    test('rows that a policy would hide are an error and not left out', async () => {
      await world.sql(
        'GRANT SELECT ON ALL TABLES IN SCHEMA public TO rb_plain; REVOKE shop_owner FROM rb_plain; ALTER TABLE orders ENABLE ROW LEVEL SECURITY',
      )
      try {
        await expect(databases.fingerprint(fixture.databaseOf({ user: 'rb_plain' }), 'shop')).rejects.toThrow(
          'row-level security',
        )
      } finally {
        await world.sql('GRANT shop_owner TO rb_plain')
      }
    })
  })

  test('sessions are named by application and role, and a role without privileges sees them too', async () => {
    const client = await connected(`${fixture.urlOf('shop', 'shop_reader')}?application_name=till%20%231`)
    try {
      for (const user of ['rb_admin', 'rb_plain']) {
        const seen = await databases.sessions(fixture.databaseOf({ user }), 'shop')
        expect(seen, user).toEqual([
          { id: expect.stringMatching(/^\d+$/), application: 'till #1', user: 'shop_reader' },
        ])
      }
    } finally {
      await client.end()
    }
  })

  test('free space is that of the folder on this machine, for who may know the folder', async () => {
    expect(await databases.freeBytes(world.database)).toBeGreaterThan(0)
    expect(await databases.freeBytes(fixture.databaseOf({ user: 'rb_plain' }))).toBeNull()
  })

  test('a database with a name like nothing on earth is handled like any other', async () => {
    const name = 'od"d dbname=x \'1\\ ü\n$$ %s'
    const odd = await fixture.world({ name })
    try {
      const driver = odd.databases(watchedScope({ run: 'run', step: "über 'alles'" }))
      const dump = await driver.dump(odd.database, name, odd.place('odd.dump'))
      expect(dump.database).toBe(name)
      const before = await driver.fingerprint(odd.database, name)
      const staged = 'shop \' "st=aged" \\'
      await odd.change({ remove: 'orders', id: 1 })
      await driver.restoreBeside(odd.database, dump, staged)
      await driver.swap(odd.database, { staged, aside: 'shop\naside' })
      expect(await driver.fingerprint(odd.database, name)).toEqual(before)
      expect((await driver.fingerprint(odd.database, 'shop\naside')).digest).not.toBe(before.digest)
      await driver.restoreInPlace(odd.database, dump)
      await driver.drop(odd.database, 'shop\naside')
      expect(await driver.exists(odd.database, 'shop\naside')).toBe(false)
      expect(await driver.identity(odd.database)).toMatchObject({ name })
    } finally {
      await odd.close()
    }
  })
})

import { describe, expect, test } from 'vitest'
import type {
  ChangeNeedingRights,
  Databases,
  MissingRight,
  PostgresDatabase,
} from '../../../src/drivers/databases.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { connected } from '../../fixtures/postgres-world.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const names = { staged: 'shop__rb_staged', aside: 'shop__rb_aside' }

describe.skipIf(!requirement())('what the role of a target lacks', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases
  let plain: PostgresDatabase

  eachOnServer(async (on) => {
    ;({ fixture, world, databases } = on)
    plain = fixture.databaseOf({ user: 'rb_plain' })
    // Other suites of this fixture leave the role as it began.
    await world.sql('ALTER ROLE rb_plain CREATEDB INHERIT; GRANT shop_owner TO rb_plain')
  })

  const missing = (change: ChangeNeedingRights, of = plain) => databases.missingRights(of, change)
  const both = async () => [
    ...(await missing({ do: 'restore beside' })),
    ...(await missing({ do: 'swap' })).filter(({ certain }) => certain),
  ]
  let taken = 0
  const exchange = async (): Promise<void> => {
    const dump = await databases.dump(fixture.databaseOf(), 'shop', world.place(`shop${(taken += 1)}.dump`))
    const own = world.databases(watchedScope())
    await own.restoreBeside(plain, dump, names.staged)
    await own.swap(plain, names)
  }
  /** Applies the cures until nothing is missing, and then the change succeeds; before, it does not. */
  const curedBy = async (
    work: () => Promise<unknown>,
    ask: () => Promise<readonly MissingRight[]> = both,
  ): Promise<readonly string[]> => {
    await expect(work()).rejects.toThrow(/permission denied|must be|must have|privilege|row-level security/)
    const cures = [...new Set((await ask()).flatMap(({ cures: all }) => all))]
    expect(cures).not.toEqual([])
    await world.sql(cures.join(';'))
    expect(await ask()).toEqual([])
    await work()
    return cures
  }

  test('is nothing for one that owns the database and creates others', async () => {
    for (const what of ['restore beside', 'swap', 'restore in place', 'drop copies'] as const)
      expect(await missing({ do: what })).toEqual([])
    await exchange()
  })

  test('is nothing for a superuser', async () => {
    await world.sql('ALTER DATABASE shop OWNER TO postgres; CREATE TABLE other (x int)')
    for (const what of ['restore beside', 'swap', 'restore in place', 'drop copies'] as const)
      expect(await missing({ do: what }, fixture.databaseOf())).toEqual([])
  })

  test('is what creates the copy and repeats the properties of the live database', async () => {
    const asSuperuser = (sql: string) => world.sql(sql, 'postgres')
    await asSuperuser('ALTER ROLE rb_plain NOCREATEDB; REVOKE CONNECT ON DATABASE postgres FROM PUBLIC')
    await asSuperuser('ALTER SYSTEM SET allow_in_place_tablespaces = true')
    await asSuperuser('SELECT pg_reload_conf()')
    await asSuperuser("CREATE TABLESPACE fast LOCATION ''")
    try {
      await asSuperuser('ALTER DATABASE shop SET TABLESPACE fast')
      await world.sql('GRANT CONNECT ON DATABASE shop TO shop_reader WITH GRANT OPTION')
      await world.sql('GRANT CONNECT ON DATABASE shop TO rb_plain', 'shop', 'shop_reader')
      await world.sql(
        "ALTER DATABASE shop SET log_min_messages = 'error'; ALTER DATABASE shop SET work_mem = '8MB'",
      )
      await world.sql(
        "ALTER ROLE shop_reader IN DATABASE shop SET work_mem = '8MB'; ALTER ROLE rb_plain IN DATABASE shop SET work_mem = '4MB'",
      )
      expect(await missing({ do: 'drop copies' })).toEqual([
        {
          lacks: 'CONNECT on database postgres',
          certain: true,
          cures: ['GRANT CONNECT ON DATABASE postgres TO rb_plain'],
        },
      ])
      expect(await curedBy(exchange)).toEqual([
        'GRANT CONNECT ON DATABASE postgres TO rb_plain',
        'GRANT CREATE ON TABLESPACE fast TO rb_plain',
        'ALTER ROLE rb_plain CREATEDB',
        'GRANT shop_reader TO rb_plain',
        'GRANT SET ON PARAMETER log_min_messages TO rb_plain',
        'ALTER ROLE rb_plain CREATEROLE',
      ])
    } finally {
      for (const name of ['shop', names.staged, names.aside])
        await asSuperuser(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      await asSuperuser('REVOKE SET ON PARAMETER log_min_messages FROM rb_plain')
      await asSuperuser('GRANT CONNECT ON DATABASE postgres TO PUBLIC')
      await asSuperuser('REVOKE CONNECT ON DATABASE postgres FROM rb_plain; REVOKE shop_reader FROM rb_plain')
      await asSuperuser('ALTER ROLE rb_plain NOCREATEROLE')
      await asSuperuser('DROP TABLESPACE fast')
    }
  })

  test('is membership of the owner, and its use', async () => {
    await world.sql('REVOKE shop_owner FROM rb_plain')
    expect(await curedBy(exchange)).toEqual(['GRANT shop_owner TO rb_plain'])
    await world.sql('ALTER ROLE rb_plain NOINHERIT')
    expect(await both()).toMatchObject([
      { lacks: 'the rights of shop_owner, who owns database shop', cures: ['ALTER ROLE rb_plain INHERIT'] },
      { cures: ['ALTER ROLE rb_plain INHERIT'] },
    ])
  })

  test('is the database itself where a superuser owns it', async () => {
    await world.sql('ALTER DATABASE shop OWNER TO postgres')
    expect(await curedBy(exchange)).toEqual(['ALTER DATABASE shop OWNER TO rb_plain'])
  })

  test('may be the end of sessions of other roles', async () => {
    const session = await connected(fixture.urlOf('shop', 'shop_reader'))
    try {
      expect(await missing({ do: 'swap' })).toEqual([
        {
          lacks: 'the right to end the sessions of shop_reader',
          certain: false,
          cures: ['GRANT pg_signal_backend TO rb_plain'],
        },
      ])
      await expect(exchange()).rejects.toThrow('still connected')
      await world.sql('GRANT pg_signal_backend TO rb_plain')
      await world.sql('DROP DATABASE shop__rb_staged')
      expect(await missing({ do: 'swap' })).toEqual([])
      await exchange()
    } finally {
      await world.sql('REVOKE pg_signal_backend FROM rb_plain', 'postgres')
      await session.end().catch(() => undefined)
    }
  })

  describe('to replace data in place', () => {
    const inPlace = async (): Promise<void> => {
      const dump = await databases.dump(fixture.databaseOf(), 'shop', world.place(`shop${(taken += 1)}.dump`))
      const own = world.databases(watchedScope())
      await own.restoreInPlace(plain, dump)
      await own.restoreExactly(plain, dump)
    }
    const ask = () => missing({ do: 'restore in place' })

    test('is each object of another owner that a restore or its undo drops', async () => {
      await world.sql(`CREATE TABLE other (x int PRIMARY KEY); CREATE SCHEMA s; CREATE VIEW s.other AS SELECT 1 AS x;
        CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE s.t AS ENUM ('a')`)
      expect(await curedBy(inPlace, ask)).toEqual([
        'ALTER ROUTINE s.f(integer) OWNER TO shop_owner',
        'ALTER SCHEMA s OWNER TO shop_owner',
        'ALTER TABLE public.other OWNER TO shop_owner',
        'ALTER TYPE s.t OWNER TO shop_owner',
        'ALTER VIEW s.other OWNER TO shop_owner',
      ])
    })

    test('is not a view in a schema of its own, and an extension cannot be given away', async () => {
      await world.sql('CREATE VIEW other AS SELECT 1 AS x')
      expect(await ask()).toEqual([])
      await world.sql('CREATE EXTENSION citext')
      expect(await ask()).toEqual([
        {
          lacks: 'the rights of postgres, who owns the extension citext',
          certain: true,
          cures: ['restore beside the live database: --strategy beside'],
        },
      ])
      await expect(inPlace()).rejects.toThrow('must be owner of extension citext')
      expect(await both()).toEqual([])
      await exchange()
    })
  })

  describe('to insert rows', () => {
    const rows = {
      table: 'lines',
      columns: ['id', 'text'],
      key: ['id'],
      numbered: [{ column: 'id', last: '7', by: '1' }],
      rows: [[['text', '7'] as const, ['text', 'x'] as const]],
    }
    const insert = async (): Promise<void> => {
      const own = world.databases(watchedScope())
      await own.rows(plain, 'shop', [{ table: 'lines', column: 'id', value: '7' }])
      await own.insertRows(plain, [rows])
      await own.deleteRows(plain, [rows])
    }
    const ask = () => missing({ do: 'insert rows', tables: ['lines', 'customers', 'nowhere'] })

    test('is each privilege on table and sequence, and the exemption from row security', async () => {
      await world.sql(
        'CREATE TABLE lines (id serial PRIMARY KEY, text text); ALTER TABLE lines ENABLE ROW LEVEL SECURITY',
      )
      try {
        expect(await curedBy(insert, ask)).toEqual([
          'GRANT SELECT, INSERT, DELETE ON TABLE public.lines TO rb_plain',
          'GRANT USAGE, UPDATE ON SEQUENCE public.lines_id_seq TO rb_plain',
          'ALTER ROLE rb_plain BYPASSRLS',
        ])
      } finally {
        await world.sql('ALTER ROLE rb_plain NOBYPASSRLS', 'postgres')
      }
    })
  })
})

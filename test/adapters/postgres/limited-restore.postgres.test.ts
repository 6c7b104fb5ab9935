import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Databases, PostgresDatabase } from '../../../src/drivers/databases.ts'
import { eventually } from '../../fixtures/eventually.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const copy = 'shop__rb_limited'
const role = `${copy}__partial`

/** Every kind of object that a role without superuser rights can restore, of several owners, with grants of several grantors. */
const everything = `
  CREATE EXTENSION hstore SCHEMA public;
  CREATE SCHEMA "Ext 1" AUTHORIZATION shop_owner;
  CREATE EXTENSION citext SCHEMA "Ext 1";
  COMMENT ON EXTENSION citext IS 'it''s \\ ours';
  CREATE EXTENSION pageinspect;
  COMMENT ON SCHEMA public IS 'of everybody';
  GRANT USAGE ON SCHEMA public TO shop_reader;
  CREATE SCHEMA audit AUTHORIZATION auditor;
  CREATE SCHEMA of_super;
  GRANT USAGE, CREATE ON SCHEMA audit TO shop_owner WITH GRANT OPTION;
  ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA public GRANT SELECT ON TABLES TO shop_reader;
  ALTER DEFAULT PRIVILEGES FOR ROLE auditor REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
  CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
  CREATE TYPE pair AS (a int, b text);
  CREATE TYPE span AS RANGE (subtype = float8);
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE FUNCTION public."f ""1"(a integer, VARIADIC b "Ext 1".citext[] DEFAULT '{}', OUT c "char") LANGUAGE plpgsql
    SECURITY DEFINER SET search_path TO 'public' AS $$ BEGIN c := 'LEAKPROOF'; END $$;
  CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 * 2;
  CREATE PROCEDURE tidy() LANGUAGE sql AS 'DELETE FROM public.orders WHERE id < 0';
  CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
  CREATE AGGREGATE counted(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
  CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
  CREATE COLLATION german FROM "C";
  CREATE TEXT SEARCH DICTIONARY plain_words (TEMPLATE = simple);
  CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
  CREATE SEQUENCE apart;
  CREATE TABLE parts (id int GENERATED ALWAYS AS IDENTITY, n serial, m mood, p positive, e "Ext 1".citext, h hstore, CHECK (doubled(n) > 0)) PARTITION BY RANGE (n);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
  INSERT INTO parts (m, p, e, h) VALUES ('sad', 1, 'A', 'a=>1'), ('it''s ok', 2, 'b', NULL);
  ALTER TABLE orders ADD CONSTRAINT to_customer FOREIGN KEY (id) REFERENCES customers (id);
  ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY mine ON orders FOR SELECT TO shop_reader USING (note <> 'secret');
  CREATE INDEX ON orders (doubled(id));
  CREATE STATISTICS about ON id, note FROM orders;
  CREATE VIEW names AS SELECT name FROM customers;
  CREATE MATERIALIZED VIEW counted_names AS SELECT count(*) AS n FROM customers;
  CREATE RULE nothing AS ON DELETE TO names DO INSTEAD NOTHING;
  CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
  CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touched();
  CREATE TABLE audit.log (id bigserial PRIMARY KEY, what text);
  INSERT INTO audit.log (what) VALUES ('begun');
  ALTER TABLE audit.log OWNER TO auditor;
  ALTER VIEW names OWNER TO auditor;
  ALTER FUNCTION public."f ""1"(integer, "Ext 1".citext[]) OWNER TO auditor;
  ALTER AGGREGATE total(int) OWNER TO auditor;
  ALTER PROCEDURE tidy() OWNER TO auditor;
  ALTER TYPE mood OWNER TO auditor;
  ALTER COLLATION german OWNER TO auditor;
  ALTER TEXT SEARCH CONFIGURATION words OWNER TO auditor;
  GRANT SELECT ON customers TO auditor;
  ALTER MATERIALIZED VIEW counted_names OWNER TO auditor;
  ALTER STATISTICS about OWNER TO auditor;
  CREATE PUBLICATION a_few FOR TABLE customers;
  ALTER TABLE parts OWNER TO shop_owner; ALTER TABLE parts_1 OWNER TO shop_owner;
  GRANT SELECT (name), UPDATE ON customers TO shop_reader WITH GRANT OPTION;
  SET SESSION AUTHORIZATION shop_reader; GRANT UPDATE ON customers TO auditor; RESET SESSION AUTHORIZATION;
  REVOKE DELETE ON orders FROM shop_owner;
  CREATE FUNCTION hidden() RETURNS int LANGUAGE sql AS 'SELECT 1';
  REVOKE ALL ON FUNCTION hidden() FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION hidden() TO shop_reader;
  REVOKE ALL ON FUNCTION public."f ""1"(integer, "Ext 1".citext[]) FROM PUBLIC;
  GRANT USAGE ON TYPE mood TO shop_reader;
  GRANT SELECT ON SEQUENCE apart TO shop_reader;
  COMMENT ON TABLE orders IS 'what they want';
  SELECT lo_from_bytea(4711, 'large');
  GRANT SELECT ON LARGE OBJECT 4711 TO shop_reader;
  ALTER LARGE OBJECT 4711 OWNER TO auditor`

/**
 * Owners, privileges and comments of everything in a database, except multiranges: Postgres 15 leaves them with the role
 * that restores, when the range gets its owner.
 */
const owned = `
  SELECT json_agg(row ORDER BY row::text COLLATE "C")::text AS facts FROM (
    SELECT json_build_array('relation', c.oid::regclass, c.relkind, pg_get_userbyid(relowner), relacl::text, obj_description(c.oid, 'pg_class'),
      (SELECT json_agg(json_build_array(attname, attacl::text) ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)) AS row
      FROM pg_class c WHERE relnamespace <> 'pg_catalog'::regnamespace AND relnamespace <> 'pg_toast'::regnamespace AND relnamespace <> 'information_schema'::regnamespace
    UNION ALL SELECT json_build_array('schema', nspname, pg_get_userbyid(nspowner), nspacl::text, obj_description(oid, 'pg_namespace')) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT json_build_array('function', oid::regprocedure, pg_get_userbyid(proowner), proacl::text) FROM pg_proc WHERE pronamespace <> 'pg_catalog'::regnamespace
    UNION ALL SELECT json_build_array('type', oid::regtype, pg_get_userbyid(typowner), typacl::text) FROM pg_type WHERE typnamespace <> 'pg_catalog'::regnamespace AND typnamespace <> 'pg_toast'::regnamespace AND typname !~ 'multirange'
    UNION ALL SELECT json_build_array('operator', oid::regoperator, pg_get_userbyid(oprowner)) FROM pg_operator WHERE oprnamespace <> 'pg_catalog'::regnamespace
    UNION ALL SELECT json_build_array('extension', extname, extversion, extnamespace::regnamespace, pg_get_userbyid(extowner), obj_description(oid, 'pg_extension')) FROM pg_extension
    UNION ALL SELECT json_build_array('collation', collname, pg_get_userbyid(collowner)) FROM pg_collation WHERE collnamespace <> 'pg_catalog'::regnamespace
    UNION ALL SELECT json_build_array('configuration', cfgname, pg_get_userbyid(cfgowner)) FROM pg_ts_config
    UNION ALL SELECT json_build_array('dictionary', dictname, pg_get_userbyid(dictowner)) FROM pg_ts_dict
    UNION ALL SELECT json_build_array('statistics', stxname, pg_get_userbyid(stxowner)) FROM pg_statistic_ext
    UNION ALL SELECT json_build_array('publication', pubname, pg_get_userbyid(pubowner)) FROM pg_publication
    UNION ALL SELECT json_build_array('large object', oid, pg_get_userbyid(lomowner), lomacl::text) FROM pg_largeobject_metadata
    UNION ALL SELECT json_build_array('default', pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype, defaclacl::text) FROM pg_default_acl
    UNION ALL SELECT json_build_array('database', pg_get_userbyid(datdba), datacl::text) FROM pg_database WHERE datname = current_database()
  ) AS rows`

describe.skipIf(!requirement())('restoring without superuser rights', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer(async (on) => {
    ;({ fixture, world, databases } = on)
    await world.sql('DROP ROLE IF EXISTS auditor; CREATE ROLE auditor', 'postgres')
  })

  const take = (file = 'shop.dump') => databases.dump(world.database, 'shop', world.place(file))
  const inPlainSql = async () => {
    const file = world.place('shop.sql')
    const pgDump = join(fixture.cluster.bin, 'pg_dump')
    execFileSync(pgDump, ['--format=plain', '--file', file, fixture.urlOf('shop')])
    return databases.inspect(world.database, file)
  }
  const asUser = (): PostgresDatabase => ({ ...(world.database as PostgresDatabase), restoreAs: 'user' })
  const roles = async () =>
    (await world.sql(`SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`, 'postgres')).map(
      ({ rolname }) => rolname,
    )
  const factsOf = async (name: string) => ({
    owned: (await world.sql(owned, name))[0],
    print: await databases.fingerprint(world.database, name),
  })

  test.each(['custom', 'plain'])(
    'everything has the owners, privileges and data that a superuser gives it: %s',
    async (format) => {
      await world.sql(everything)
      const before = await roles()
      const dump = format === 'custom' ? await take() : await inPlainSql()
      expect(await databases.restoreRights(world.database, dump, copy)).toEqual({
        role,
        server: expect.stringContaining('127.0.0.1'),
        superuser: false,
        because: [],
      })
      await databases.restoreBeside(asUser(), dump, copy)
      const expected = await factsOf(copy)
      await databases.restoreBeside(world.database, dump, copy)
      expect(JSON.parse(String((await factsOf(copy)).owned?.['facts']))).toEqual(
        JSON.parse(String(expected.owned?.['facts'])),
      )
      expect((await factsOf(copy)).print).toEqual(expected.print)
      expect(await roles()).toEqual(before)
    },
  )

  describe('a hostile dump', () => {
    /** Does its worst while a row is loaded or an index is built, and hides it where it can. */
    const hostile = async (handled: boolean): Promise<string> => {
      const proof = join(fixture.cluster.dataDir, 'ran')
      const attempts = [
        'CREATE ROLE evil_role SUPERUSER LOGIN',
        'SET ROLE postgres',
        'SET SESSION AUTHORIZATION postgres',
        'ALTER ROLE rb_plain SUPERUSER',
        `ALTER SYSTEM SET work_mem = ''7MB''`,
        `ALTER DATABASE "${role}" SET work_mem = ''7MB''`,
        `COPY (SELECT 1) TO PROGRAM ''touch ${proof}''`,
      ]
      const each = attempts
        .map((sql) =>
          handled ? `BEGIN EXECUTE '${sql}'; EXCEPTION WHEN OTHERS THEN NULL; END;` : `EXECUTE '${sql}';`,
        )
        .join('\n')
      await world.sql(`
        CREATE FUNCTION evil(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
          IF current_database() = 'shop' THEN RETURN true; END IF;
          ${handled ? 'BEGIN RESET ROLE; RESET SESSION AUTHORIZATION; EXCEPTION WHEN OTHERS THEN NULL; END;' : ''}
          ${each}
          RETURN true; END $$;
        CREATE TABLE trap (id int CHECK (public.evil(id)));
        CREATE FUNCTION pure(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN public.evil($1); END $$;
        CREATE INDEX ON trap (public.pure(id));
        INSERT INTO trap VALUES (1)`)
      return proof
    }
    const facts = async () => ({
      roles: await world.sql('SELECT * FROM pg_roles ORDER BY oid', 'postgres'),
      settings: await world.sql('SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting', 'postgres'),
      files: await world.sql(
        "SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'",
        'postgres',
      ),
    })

    test('that needs a superuser fails and leaves nothing on the server', async () => {
      const proof = await hostile(false)
      const before = await facts()
      await expect(databases.restoreBeside(world.database, await take(), copy)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(/must be superuser|permission denied to create role/),
        hint: expect.stringContaining("database.restoreAs to 'user'"),
      })
      expect(await facts()).toEqual(before)
      await expect(readFile(proof)).rejects.toMatchObject({ code: 'ENOENT' })
      expect(await databases.leftover(world.database, copy)).toBe(false)
      expect(await databases.exists(world.database, copy)).toBe(false)
    })

    test('that hides its failures is restored, and leaves nothing on the server', async () => {
      const proof = await hostile(true)
      const dump = await take()
      const before = await facts()
      await databases.restoreBeside(world.database, dump, copy)
      expect(await facts()).toEqual(before)
      await expect(readFile(proof)).rejects.toMatchObject({ code: 'ENOENT' })
      // As a superuser, it does what it wants.
      await databases.restoreBeside(asUser(), dump, copy)
      expect((await facts()).roles).not.toEqual(before.roles)
      await readFile(proof)
      await world.sql('ALTER SYSTEM RESET work_mem', 'postgres')
      await world.sql('DROP ROLE IF EXISTS evil_role', 'postgres')
      await world.sql('ALTER ROLE rb_plain NOSUPERUSER', 'postgres')
    })

    test('that was written by hand has none of its SQL run by the superuser', async () => {
      await world.sql(
        'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; GRANT EXECUTE ON FUNCTION f() TO shop_reader',
      )
      const dump = await take()
      const bytes = await readFile(dump.file)
      const at = bytes.indexOf('GRANT ALL ON FUNCTION public.f() TO shop_reader;')
      expect(at).toBeGreaterThan(0)
      bytes.write('CREATE ROLE evil_role SUPERUSER;'.padEnd(48), at)
      const file = world.place('by-hand.dump')
      await writeFile(file, bytes)
      const rights = await databases.restoreRights(
        world.database,
        await databases.inspect(world.database, file),
        copy,
      )
      expect(rights).toMatchObject({
        superuser: true,
        because: ['the dump has the privileges of FUNCTION f()'],
      })
    })
  })

  test('a dump that needs a superuser says so, and is restored as before', async () => {
    await world.sql(`CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
      CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION seen()`)
    const dump = await take()
    expect(await databases.restoreRights(world.database, dump, copy)).toMatchObject({
      role: 'rb_admin',
      superuser: true,
      because: ['the dump has event trigger watch'],
    })
    await databases.restoreBeside(world.database, dump, copy)
    expect(await world.sql('SELECT evtname FROM pg_event_trigger', copy)).toEqual([{ evtname: 'watch' }])
  })

  test('what only a superuser can create is named where the user is none, and nothing else', async () => {
    const plain = fixture.databaseOf({ user: 'rb_plain' })
    await world.sql('CREATE EXTENSION citext; CREATE TABLE words (word citext)')
    const harmless = await take('harmless.dump')
    expect((await databases.fit(plain, harmless)).needsSuperuser).toEqual([])
    await databases.restoreBeside(plain, harmless, copy)
    await databases.drop(plain, copy)
    await world.sql(`CREATE EXTENSION pageinspect; CREATE PUBLICATION all_of_it FOR ALL TABLES;
      CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
      CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION seen();
      CREATE FUNCTION sure(int) RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'`)
    const dump = await take()
    expect((await databases.fit(plain, dump)).needsSuperuser).toEqual([
      'extension pageinspect, which is not trusted',
      'function sure(integer), which is trusted to be leakproof',
      'publication all_of_it of all tables',
      'event trigger watch',
    ])
    expect((await databases.fit(world.database, dump)).needsSuperuser).toEqual([])
    await expect(databases.restoreBeside(plain, dump, copy)).rejects.toThrow('permission denied')
  })

  test('what is refused as expected alarms nobody', async () => {
    const dump = await take()
    const scope = watchedScope()
    const rights = await world.databases(scope).restoreRights(world.database, dump, copy)
    expect(rights).toMatchObject({ role, superuser: false })
    expect(scope.text()).not.toMatch(/FATAL|does not exist/)
  })

  test('the user restores in place, where the target says so, and where it is no superuser', async () => {
    const dump = await take()
    const rights = (database: PostgresDatabase, name: string) => databases.restoreRights(database, dump, name)
    const shop = world.database as PostgresDatabase
    expect(await rights(shop, 'shop')).toMatchObject({
      superuser: true,
      because: [expect.stringContaining('in place')],
    })
    expect(await rights(asUser(), copy)).toMatchObject({
      superuser: true,
      because: [expect.stringContaining('restoreAs')],
    })
    expect(await rights(fixture.databaseOf({ user: 'rb_plain' }), copy)).toEqual({
      role: 'rb_plain',
      server: expect.any(String),
      superuser: false,
      because: [],
    })
  })

  test('what a killed run left is noticed, and goes with the copy and before another restore', async () => {
    const dump = await take()
    const before = await roles()
    await world.sql(`CREATE ROLE "${role}" LOGIN`, 'postgres')
    expect(await databases.leftover(world.database, copy)).toBe(true)
    await databases.drop(world.database, copy)
    expect(await databases.leftover(world.database, copy)).toBe(false)
    expect(await roles()).toEqual(before)
    await world.sql(`CREATE ROLE "${role}" LOGIN`, 'postgres')
    await world.sql(`CREATE DATABASE "${role}"`, 'postgres')
    await world.sql(
      `GRANT CREATE ON DATABASE "${role}" TO "${role}"; CREATE SCHEMA s AUTHORIZATION "${role}"`,
      role,
    )
    await databases.restoreBeside(world.database, dump, copy)
    expect(await roles()).toEqual(before)
  })

  test('a session that is ended in the middle leaves no role', async () => {
    const before = await roles()
    await world.sql(`CREATE FUNCTION slowly(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN IF current_database() LIKE '%partial' THEN PERFORM pg_sleep(30); END IF; RETURN $1; END $$;
      CREATE INDEX slow ON public.orders (slowly(id))`)
    const restoring = databases.restoreBeside(world.database, await take(), copy)
    restoring.catch(() => undefined)
    const sleeping = `FROM pg_stat_activity WHERE usename = '${role}' AND wait_event = 'PgSleep'`
    await eventually(
      async () => (await world.sql(`SELECT ${sleeping}`, 'postgres')).length === 1,
      'the role of the run restores',
    )
    await world.sql(`SELECT pg_terminate_backend(pid) ${sleeping}`, 'postgres')
    await expect(restoring).rejects.toThrow()
    expect(await roles()).toEqual(before)
  })

  describe('where pg_hba.conf has other rules', () => {
    let rules = ''
    const admit = async (...lines: readonly string[]): Promise<void> => {
      const file = join(fixture.cluster.dataDir, 'pg_hba.conf')
      rules = rules || (await readFile(file, 'utf8'))
      const first = ['host all rb_admin all scram-sha-256', 'host all postgres all trust']
      await writeFile(file, lines.length === 0 ? rules : [...first, ...lines, ''].join('\n'))
      await world.sql('SELECT pg_reload_conf()', 'postgres')
      await eventually(
        async () =>
          (
            await world.sql("SELECT pg_conf_load_time() > now() - interval '1 minute' AS loaded", 'postgres')
          )[0]?.['loaded'] === true,
        'the rules are loaded',
      )
    }
    afterEach(() => admit())

    test('that demand a password, the role has one', async () => {
      await admit('host all all all scram-sha-256')
      const dump = await take()
      expect(await databases.restoreRights(world.database, dump, copy)).toMatchObject({
        superuser: false,
        role,
      })
      await databases.restoreBeside(world.database, dump, copy)
    })

    test('that admit no other role, the user restores, and says why', async () => {
      await admit('host all all all reject')
      const dump = await take()
      expect(await databases.restoreRights(world.database, dump, copy)).toMatchObject({
        superuser: true,
        role: 'rb_admin',
        because: [expect.stringContaining('pg_hba.conf rejects connection')],
      })
      await databases.restoreBeside(world.database, dump, copy)
    })
  })
})

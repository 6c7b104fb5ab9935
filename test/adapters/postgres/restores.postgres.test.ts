import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Databases } from '../../../src/drivers/databases.ts'
import { eventually } from '../../fixtures/eventually.ts'
import {
  eachOnServer,
  password,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { connected } from '../../fixtures/postgres-world.ts'
import { pathOfOperator } from '../../fixtures/programs.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const staged = 'shop__rb_staged'
const partial = `${staged}__partial`

/** An index whose making takes half a minute, in unfinished copies alone: time to break in. */
const slow = `
  CREATE FUNCTION slowly(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
  BEGIN IF current_database() LIKE '%partial' THEN PERFORM pg_sleep(30); END IF; RETURN $1; END $$;
  CREATE INDEX slow ON public.orders (slowly(id))`

describe.skipIf(!requirement())('restoring dumps of PostgreSQL', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer((on) => {
    ;({ fixture, world, databases } = on)
  })

  const take = (file = 'shop.dump') => databases.dump(world.database, 'shop', world.place(file))
  const sleeping = `FROM pg_stat_activity WHERE datname = '${partial}' AND application_name = 'rb:test-run:test-step' AND wait_event = 'PgSleep'`
  const untilSleeping = () =>
    eventually(
      async () => (await world.sql(`SELECT ${sleeping}`, 'postgres')).length === 1,
      'the restore is at its slow index',
    )
  const traces = async () => [
    await databases.exists(world.database, staged),
    await databases.leftover(world.database, staged),
  ]

  test('a session that is ended in the middle leaves no copy', async () => {
    await world.sql(slow)
    const restoring = databases.restoreBeside(world.database, await take(), staged)
    restoring.catch(() => undefined)
    await untilSleeping()
    expect(await traces()).toEqual([false, true])
    await world.sql(`SELECT pg_terminate_backend(pid) ${sleeping}`, 'postgres')
    await expect(restoring).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(`into database ${partial}`),
    })
    expect(await traces()).toEqual([false, false])
  })

  test('stopped in the middle, it leaves no copy and no session', async () => {
    await world.sql(slow)
    const dump = await take()
    const stop = new AbortController()
    const restoring = world
      .databases(watchedScope({ signal: stop.signal }))
      .restoreBeside(world.database, dump, staged)
    restoring.catch(() => undefined)
    await untilSleeping()
    stop.abort(new Error('the operator pressed Ctrl-C twice'))
    await expect(restoring).rejects.toThrow('Ctrl-C')
    expect(
      await world.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rb:%'", 'postgres'),
    ).toEqual([])
    expect(await traces()).toEqual([false, false])
  })

  test('the password stands in no command line', async () => {
    await world.sql(slow)
    const stop = new AbortController()
    const restoring = world
      .databases(watchedScope({ signal: stop.signal }))
      .restoreBeside(world.database, await take(), staged)
    restoring.catch(() => undefined)
    await untilSleeping()
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const lines = await Promise.all(
      pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    )
    stop.abort(new Error('enough seen'))
    await expect(restoring).rejects.toThrow('enough seen')
    expect(lines.some((line) => line.includes('pg_restore') && line.includes(partial))).toBe(true)
    expect(lines.filter((line) => line.includes(password))).toEqual([])
  })

  test('what a killed run left is known, and goes with the next attempt or with drop', async () => {
    const dump = await take()
    await world.sql(`CREATE DATABASE "${partial}"`, 'postgres')
    expect(await traces()).toEqual([false, true])
    await databases.restoreBeside(world.database, dump, staged)
    expect(await traces()).toEqual([true, false])
    await world.sql(`CREATE DATABASE "${partial}"`, 'postgres')
    const old = await connected(fixture.urlOf(partial))
    await databases.drop(world.database, staged)
    await old.end().catch(() => undefined)
    expect(await traces()).toEqual([false, false])
  })

  test('owners, rights, sequences, large objects and statistics come along', async () => {
    await world.sql(`CREATE TABLE notes (id integer GENERATED ALWAYS AS IDENTITY, body text); ALTER TABLE notes OWNER TO shop_owner;
      INSERT INTO notes (body) SELECT 'note ' || n FROM generate_series(1, 500) AS n; GRANT SELECT ON notes TO shop_reader; SELECT lo_from_bytea(4711, 'large');
      CREATE VIEW few AS SELECT * FROM notes WHERE id < 3; CREATE SCHEMA "Till 1"; CREATE TABLE "Till 1"."re ceipts" (id int, at timestamptz DEFAULT now())`)
    const before = await databases.fingerprint(world.database, 'shop')
    await databases.restoreBeside(world.database, await take(), staged)
    expect(await databases.fingerprint(world.database, staged)).toEqual(before)
    expect(
      await world.sql(
        "SELECT tableowner, has_table_privilege('shop_reader', 'notes', 'SELECT') AS reads FROM pg_tables WHERE tablename = 'notes'",
        staged,
      ),
    ).toEqual([{ tableowner: 'shop_owner', reads: true }])
    expect(
      await world.sql("SELECT n_distinct FROM pg_stats WHERE tablename = 'notes' AND attname = 'id'", staged),
    ).toHaveLength(1)
  })

  // On Debian they are scripts that choose a version; all other tests have Postgres' own programs in front of them.
  test('the programs that an operator has on PATH dump and restore the same', async () => {
    vi.stubEnv('PATH', pathOfOperator())
    try {
      const dump = await databases.dump(world.database, 'shop', world.place('shop.dump'))
      expect(await databases.inspect(world.database, dump.file)).toEqual(dump)
      await databases.restoreBeside(world.database, dump, staged)
      expect(await databases.fingerprint(world.database, staged)).toEqual(
        await databases.fingerprint(world.database, 'shop'),
      )
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('a copy has the encoding and the locale of the live one', async () => {
    const options =
      'SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype, datlocprovider, daticulocale, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = '
    for (const how of [
      "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
      "LOCALE_PROVIDER icu ICU_LOCALE 'de-AT' LOCALE 'C.UTF-8'",
    ]) {
      await world.sql('DROP DATABASE shop', 'postgres')
      await world.sql(`CREATE DATABASE shop TEMPLATE template0 ${how} OWNER shop_owner`, 'postgres')
      await world.sql("CREATE TABLE prices (id int, text text); INSERT INTO prices VALUES (1, 'Jägertee')")
      await databases.restoreBeside(world.database, await take(`${how.length}.dump`), staged)
      expect(await world.sql(`${options}'${staged}'`, 'postgres')).toEqual(
        await world.sql(`${options}'shop'`, 'postgres'),
      )
      expect(await world.sql('SELECT text FROM prices', staged)).toEqual([{ text: 'Jägertee' }])
    }
  })

  test('a copy whose name the server would cut is refused', async () => {
    await expect(
      databases.restoreBeside(world.database, await take(), `shop__${'x'.repeat(60)}`),
    ).rejects.toMatchObject({ code: 'usage' })
  })

  test('a dump of a newer server is refused before anything is made', async () => {
    const dump = { ...(await take()), major: 99 }
    await expect(databases.restoreBeside(world.database, dump, staged)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('99'),
    })
  })

  describe('in place', () => {
    test('who holds a lock is ended, and does not make it wait for ever', async () => {
      const dump = await take()
      const holder = await connected(fixture.urlOf('shop'))
      await holder.query('BEGIN; SELECT * FROM orders')
      await databases.restoreInPlace(world.database, dump)
      await expect(holder.query('COMMIT')).rejects.toThrow()
    })

    test('the application keeps its tables', async () => {
      const dump = await take()
      await databases.restoreInPlace(world.database, dump)
      await world.sql(
        'ALTER TABLE orders ADD COLUMN more text; INSERT INTO orders VALUES (7)',
        'shop',
        'shop_owner',
      )
    })

    test('what was made after the dump and depends on the old keeps everything as it is', async () => {
      const dump = await take()
      await world.sql(
        'CREATE TABLE refunds (order_id integer REFERENCES orders); INSERT INTO refunds VALUES (1)',
      )
      const before = await databases.fingerprint(world.database, 'shop')
      await expect(databases.restoreInPlace(world.database, dump)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('depend'),
      })
      expect(await databases.fingerprint(world.database, 'shop')).toEqual(before)
    })

    const slowHere = `CREATE FUNCTION slowly(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN IF current_setting('application_name') LIKE 'rb:%:test-step' THEN PERFORM pg_sleep(30); END IF; RETURN $1; END $$;
      CREATE INDEX slow ON public.orders (slowly(id))`
    const ours = sleeping.replace(partial, 'shop')
    const untilSlow = () =>
      eventually(
        async () => (await world.sql(`SELECT ${ours}`, 'postgres')).length === 1,
        'the restore is at its slow index',
      )

    test('a session that is ended in the middle changes nothing', async () => {
      await world.sql(slowHere)
      const dump = await take()
      await world.sql('DELETE FROM orders WHERE id = 1')
      const before = await databases.fingerprint(world.database, 'shop')
      const restoring = databases.restoreInPlace(world.database, dump)
      restoring.catch(() => undefined)
      await untilSlow()
      await world.sql(`SELECT pg_terminate_backend(pid) ${ours}`, 'postgres')
      await expect(restoring).rejects.toMatchObject({ code: 'failed' })
      expect(await databases.fingerprint(world.database, 'shop')).toEqual(before)
    })

    test('stopped in the middle, it changes nothing, and its locks are gone when it says so', async () => {
      await world.sql(slowHere)
      const dump = await take()
      await world.sql('DELETE FROM orders WHERE id = 1')
      const before = await databases.fingerprint(world.database, 'shop')
      const stop = new AbortController()
      const restoring = world
        .databases(watchedScope({ signal: stop.signal }))
        .restoreInPlace(world.database, dump)
      restoring.catch(() => undefined)
      await untilSlow()
      stop.abort(new Error('stopped'))
      await expect(restoring).rejects.toThrow('stopped')
      expect(await world.sql(`SELECT pid ${ours}`, 'postgres')).toEqual([])
      expect(await databases.fingerprint(world.database, 'shop')).toEqual(before)
    })
  })
})

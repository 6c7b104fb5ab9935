import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { execAtDatabase } from '../../../src/adapters/docker/exec.ts'
import { majorOf } from '../../../src/adapters/postgres/archive/archive-header.ts'
import { postgresDatabases } from '../../../src/adapters/postgres/databases.ts'
import { installedTools } from '../../../src/adapters/postgres/server/installed-tools.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import type { Databases, PostgresDatabase } from '../../../src/drivers/databases.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { PASSWORDS } from '../../fixtures/compose-stack.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { containerFixture, type ContainerFixture } from '../../fixtures/postgres-container.ts'
import { docker } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { secretsOf } from '../../fixtures/secrets.ts'

const staged = 'brace__rb_staged'
const aside = 'brace__rb_aside'

describe.skipIf(!docker())("the shop's database in its container", () => {
  let fixture: ContainerFixture
  let brace: PostgresDatabase
  let databases: Databases
  let folder: string

  beforeAll(async () => {
    fixture = await containerFixture()
    brace = fixture.databaseOf({ name: 'brace' })
    databases = fixture.databases(watchedScope())
    folder = await mkdtemp(join(tmpdir(), 'rbdump-'))
  })
  afterAll(async () => {
    await fixture?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const outside = async (name: string): Promise<unknown> =>
    fixture.stack
      .sql(`SELECT pg_get_userbyid(datdba) AS owner, datconnlimit, shobj_description(oid, 'pg_database') AS comment, 
      (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) AS a) AS acl,
      (SELECT json_agg(json_build_array(setrole::regrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = oid) AS settings
      FROM pg_database WHERE datname = '${name}'`)

  test('goes to a dump, beside itself, in, and back, and the application never loses its rights', async () => {
    const good = await databases.fingerprint(brace, 'brace')
    const before = await outside('brace')
    const dump = await databases.dump(brace, 'brace', join(folder, 'brace.dump'))
    expect(dump).toMatchObject({ major: 17, database: 'brace' })
    expect(await databases.fit(brace, dump)).toEqual({
      missingRoles: [],
      missingExtensions: [],
      needsSuperuser: [],
    })
    await fixture.stack.sql('DELETE FROM events', { role: 'brace_user' })
    const bad = await databases.fingerprint(brace, 'brace')

    await databases.restoreBeside(brace, dump, staged)
    expect(await databases.fingerprint(brace, staged)).toEqual(good)
    await databases.swap(brace, { staged, aside })
    expect(await databases.fingerprint(brace, 'brace')).toEqual(good)
    expect(await outside('brace')).toEqual(before)
    await fixture.stack.sql("INSERT INTO events (source, kind) VALUES ('test', 'after')", {
      role: 'brace_user',
    })
    await fixture.stack.sql('ALTER TABLE events ADD COLUMN note text', { role: 'brace_user' })
    expect(
      await fixture.stack.sql('SELECT count(*)::int AS n FROM events', { role: 'brace_readonly' }),
    ).toEqual([{ n: 1001 }])
    await expect(fixture.stack.sql('DELETE FROM events', { role: 'brace_readonly' })).rejects.toThrow(
      'read-only',
    )

    await databases.swap(brace, { staged: aside, aside: staged })
    expect(await databases.fingerprint(brace, 'brace')).toEqual(bad)
    expect(await outside('brace')).toEqual(before)
    await databases.drop(brace, staged)
    await databases.restoreInPlace(brace, dump)
    expect(await databases.fingerprint(brace, 'brace')).toEqual(good)
    expect(await outside('brace')).toEqual(before)
  })

  test('a dump that zstd packed is read to its end, and refused where that is missing', async () => {
    const id = await fixture.stack.containerId('db')
    const file = join(folder, 'zstd.dump')
    const script =
      'pg_dump --username postgres --format custom --compress zstd --file /tmp/zstd.dump brace && chmod 644 /tmp/zstd.dump'
    expect((await fixture.stack.exec('db', 'sh', '-c', script)).code).toBe(0)
    await shell.run({ argv: ['docker', 'cp', `${id}:/tmp/zstd.dump`, file] }, watchedScope())
    expect(await databases.inspect(brace, file)).toMatchObject({
      major: 17,
      database: 'brace',
      tables: expect.arrayContaining(['public.events']),
    })
    const bytes = await readFile(file)
    for (const missing of [1, 20, 5000]) {
      await writeFile(file, bytes.subarray(0, bytes.length - missing))
      await expect(databases.inspect(brace, file), `${missing} bytes missing`).rejects.toMatchObject({
        code: 'verification',
      })
    }
  })

  test('stopped in the middle of a restore, nothing of it is left, in the container or in the server', async () => {
    await fixture.stack.sql(`CREATE FUNCTION slowly(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN IF current_database() LIKE '%partial' THEN PERFORM pg_sleep(30); END IF; RETURN $1; END $$;
      CREATE INDEX slow ON public.orders (slowly(id))`)
    const dump = await databases.dump(brace, 'brace', join(folder, 'slow.dump'))
    const stop = new AbortController()
    const restoring = fixture
      .databases(watchedScope({ signal: stop.signal }))
      .restoreBeside(brace, dump, staged)
    restoring.catch(() => undefined)
    const ours = "FROM pg_stat_activity WHERE application_name LIKE 'rb:%'"
    await eventually(
      async () => (await fixture.stack.sql(`SELECT ${ours} AND wait_event = 'PgSleep'`)).length === 1,
      'the restore is at its slow index',
    )
    stop.abort(new Error('stopped'))
    await expect(restoring).rejects.toThrow('stopped')
    expect(await fixture.stack.sql(`SELECT ${ours}`)).toEqual([])
    expect(await databases.exists(brace, staged)).toBe(false)
    expect(await databases.leftover(brace, staged)).toBe(false)
    expect(
      (await fixture.stack.exec('db', 'sh', '-c', 'grep -ls pg_[r]estore /proc/[0-9]*/cmdline')).stdout,
    ).toBe('')
  })

  test('tools are those of the container', async () => {
    const tools = await databases.tools(brace)
    expect(tools.map(({ tool, version, where }) => [tool, majorOf(String(version)), where])).toEqual(
      ['psql', 'pg_dump', 'pg_restore'].map((tool) => [tool, 17, `${fixture.stack.project}/db`]),
    )
  })

  test('from outside, tools that are older than the server, or than the dump, are refused by name', async () => {
    const outsideIt: PostgresDatabase = {
      ...brace,
      via: {
        kind: 'server',
        host: '127.0.0.1',
        port: fixture.stack.ports.db,
        password: { secret: 'PASSWORD', from: { env: 'PASSWORD' } },
      },
    }
    const driver = postgresDatabases({
      shell,
      execIn: execAtDatabase,
      secrets: secretsOf({ PASSWORD: PASSWORDS.postgres }),
      clock: systemClock,
      scope: watchedScope(),
    })
    const here = Math.max(
      0,
      ...(await installedTools(shell, watchedScope())).map(({ version }) => majorOf(version)),
    )
    // Without any client programs here there is nothing to refuse.
    if (here === 0) return
    expect(await driver.identity(outsideIt)).toMatchObject({ major: 17, name: 'brace' })
    expect(await driver.freeBytes(outsideIt), 'its folder is not on this machine').toBeNull()
    const dump = await databases.dump(brace, 'brace', join(folder, 'of-17.dump'))
    const tooOld = { code: 'preflight', hint: 'install postgresql-client-17' }
    const dumped = () => driver.dump(outsideIt, 'brace', join(folder, 'from-outside.dump'))
    const inspected = () => driver.inspect(outsideIt, dump.file)
    if (here >= 17) {
      expect(await dumped()).toMatchObject({ major: 17 })
      expect(await inspected()).toEqual(dump)
    } else {
      await expect(dumped()).rejects.toMatchObject(tooOld)
      await expect(inspected()).rejects.toMatchObject(tooOld)
    }
  })

  test('while the service is stopped, that is what is said', async () => {
    await fixture.stack.compose('stop', 'db')
    await expect(databases.identity(brace)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('db'),
    })
  })
})

import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isExact, type Databases, type PostgresDatabase } from '../../../src/drivers/databases.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'

const copy = 'shop__rb_plain'

const odd = `
  CREATE TABLE notes (id int PRIMARY KEY, body text);
  INSERT INTO notes VALUES (1, E'a\\nb'), (2, '\\.'), (3, E'\\\\.\\n\\\\restrict x\\n'), (4, NULL), (5, ''), (6, '-- PostgreSQL database dump complete'), (7, 'it''s; $$ "x" \\\\connect y');
  CREATE FUNCTION odd(a text) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN
    -- Name: evil; Type: TABLE; Schema: -; Owner: -
    RETURN E'\\';' || $$;\\connect postgres$$ || a; END $f$;
  CREATE FUNCTION standard(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END; SELECT 3; END;
  CREATE TABLE "Odd ""one"";" ("a;b" text, "c--d" text DEFAULT 'x;y');
  INSERT INTO "Odd ""one"";" VALUES ('1;', '2');
  CREATE TABLE größe (x int);
  INSERT INTO größe VALUES (1);
  CREATE TABLE nothing (x int);
  CREATE VIEW seen AS SELECT body FROM notes;
  COMMENT ON TABLE notes IS E'a;\\n-- Name: evil; Type: TABLE; Schema: -; Owner: -';
  SELECT lo_from_bytea(4711, 'large')`

describe.skipIf(!requirement())('plain SQL of pg_dump and pg_dumpall', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer((on) => {
    ;({ fixture, world, databases } = on)
  })

  const byHand = (file: string, ...args: readonly string[]): string => {
    const place = world.place(file)
    const [program, from] =
      args[0] === 'pg_dumpall'
        ? ['pg_dumpall', ['--dbname', fixture.urlOf('postgres'), ...args.slice(1)]]
        : ['pg_dump', [...args, fixture.urlOf('shop')]]
    execFileSync(join(fixture.cluster.bin, program), ['--file', place, ...from], { stdio: 'ignore' })
    return place
  }
  const written = async (name: string, bytes: string | Uint8Array): Promise<string> => {
    await writeFile(world.place(name), bytes)
    return world.place(name)
  }
  const inspect = (file: string) => databases.inspect(world.database, file)
  const print = (name: string) => databases.fingerprint(world.database, name)

  test.each([
    ['as it is', []],
    ['with INSERT statements', ['--inserts']],
    ['with several rows in each', ['--rows-per-insert=3', '--verbose']],
    ['that cleans and creates', ['--clean', '--if-exists', '--create']],
    ['without owners and privileges', ['--no-owner', '--no-privileges']],
    ['in another encoding', ['--encoding=LATIN1']],
    ['of all databases', ['pg_dumpall']],
  ])('%s is counted, and restored without superuser rights', async (_name, args) => {
    await world.sql(odd)
    const dump = await inspect(byHand('shop.sql', ...args))
    expect(dump).toMatchObject({ format: args[0] === 'pg_dumpall' ? 'cluster' : 'plain', major: 15 })
    expect(dump.tables).toEqual([
      'public."Odd ""one"";"',
      'public.customers',
      'public.größe',
      'public.notes',
      'public.nothing',
      'public.orders',
    ])
    expect(dump.leftOut?.join(', ') ?? '').not.toContain('statements')
    const counted = dump.contents?.rows ?? []
    if (args.some((one) => one.includes('insert')))
      expect(counted).toEqual([{ table: 'public.nothing', rows: 0 }])
    else expect(counted.find(({ table }) => table === 'public.notes')?.rows).toBe(7)
    const rights = await databases.restoreRights(world.database, dump, copy)
    expect(rights).toMatchObject({ superuser: false, because: [] })
    await databases.restoreBeside(world.database, dump, copy, rights)
    expect(await print(copy)).toEqual(await print('shop'))
    const rest =
      "SELECT odd('x') AS a, standard(1) AS b, convert_from(lo_get(4711), 'UTF8') AS c, obj_description('notes'::regclass) AS d"
    expect(await world.sql(rest, copy)).toEqual(await world.sql(rest))
  })

  test('a dump of all databases is refused where it lacks the one', async () => {
    const file = byHand('all.sql', 'pg_dumpall')
    await expect(databases.inspect(world.database, file, { of: 'till' })).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringMatching(/without till/),
    })
    expect(
      await databases.inspect(fixture.databaseOf({ name: 'postgres' }), file, { of: 'shop' }),
    ).toMatchObject({ database: 'shop' })
  })

  test('one that is cut off anywhere is refused, also in gzip', async () => {
    await world.sql(odd)
    const bytes = await readFile(byHand('shop.sql'))
    const mark = bytes.lastIndexOf('-- PostgreSQL database dump complete')
    const cuts = [...Array.from({ length: 40 }, (_, n) => 1 + Math.floor((mark * n) / 40)), mark, mark + 10]
    for (const cut of cuts)
      for (const part of [bytes.subarray(0, cut), gzipSync(bytes.subarray(0, cut))])
        await expect(inspect(await written('cut.sql', part)), `cut after ${cut}`).rejects.toMatchObject({
          code: 'verification',
        })
    const packed = gzipSync(bytes)
    for (let cut = 1; cut < packed.length; cut += 97)
      await expect(inspect(await written('cut.sql.gz', packed.subarray(0, cut)))).rejects.toMatchObject({
        code: 'verification',
      })
    expect(await inspect(await written('shop.sql.gz', packed))).toMatchObject({
      wrapped: ['gzip'],
      provesItself: true,
    })
  })

  test.each([
    ['more SQL', 'DROP TABLE orders;\n', 'extra data'],
    ['a comment', '-- and more\n', 'extra data'],
    ['itself again', null, 'extra data'],
    ['a command', '\\! touch /tmp/evil\n', 'extra data'],
  ])('one that is followed by %s is refused', async (_name, extra, why) => {
    const bytes = await readFile(byHand('shop.sql'), 'utf8')
    await expect(inspect(await written('more.sql', bytes + (extra ?? bytes)))).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining(why),
    })
  })

  test.each([
    ['a command of psql', '\\! touch /tmp/evil\n', 'the command \\!'],
    ['a command inside a statement', 'SELECT 1 \\gexec\n', 'inside a statement'],
    ['a COPY from a program', "COPY public.orders FROM PROGRAM 'touch /tmp/evil';\n", 'not of its own data'],
    ['a ROLLBACK', 'ROLLBACK;\n', 'a transaction of its own'],
    ['other strings', 'SET standard_conforming_strings = off;\n', 'standard_conforming_strings'],
    ['an encoding with backslashes', "SET client_encoding = 'SJIS';\n", 'SJIS'],
  ])('one with %s is refused', async (_name, sql, why) => {
    const bytes = await readFile(byHand('shop.sql'), 'utf8')
    const at = bytes.indexOf('--\n-- Name: ')
    await expect(
      inspect(await written('odd.sql', bytes.slice(0, at) + sql + bytes.slice(at))),
    ).rejects.toMatchObject({ code: 'verification', message: expect.stringContaining(why) })
  })

  test('roles, databases and subscriptions in it are not run, and other SQL has no superuser rights unless they are said', async () => {
    const bytes = await readFile(byHand('shop.sql'), 'utf8')
    const at = bytes.indexOf('--\n-- Name: ')
    const before = await world.sql('SELECT rolname, rolsuper FROM pg_roles ORDER BY 1', 'postgres')
    const file = await written(
      'roles.sql',
      `${bytes.slice(0, at)}CREATE ROLE evil SUPERUSER;\nALTER ROLE rb_plain SUPERUSER;\nDROP DATABASE shop;\nALTER SYSTEM SET work_mem = '7MB';\n${bytes.slice(at)}`,
    )
    const dump = await inspect(file)
    expect(dump.leftOut).toEqual(['statements on the server (ALTER ROLE, ALTER SYSTEM, CREATE ROLE)'])
    await databases.restoreBeside(world.database, dump, copy)
    expect(await print(copy)).toEqual(await print('shop'))
    const end = bytes.lastIndexOf('--\n-- PostgreSQL database dump complete')
    const late = `${bytes.slice(0, end)}DROP DATABASE shop;\n${bytes.slice(end)}`
    expect((await inspect(await written('late.sql', late))).leftOut).toEqual([
      'statements on the server (DROP DATABASE)',
    ])
    expect(await world.sql('SELECT rolname, rolsuper FROM pg_roles ORDER BY 1', 'postgres')).toEqual(before)
    const loose = await inspect(
      await written('loose.sql', `${bytes.slice(0, at)}CREATE TABLE public.loose ();\n${bytes.slice(at)}`),
    )
    expect(await databases.restoreRights(world.database, loose, copy)).toMatchObject({
      superuser: true,
      because: [expect.stringContaining('CREATE TABLE public.loose')],
    })
  })

  test('one that fails in the middle leaves no copy', async () => {
    const bytes = await readFile(byHand('shop.sql'), 'utf8')
    const file = await written('failing.sql', bytes.replace('2\tsecond\n', '2\tsecond\n2\tagain\n'))
    await expect(databases.restoreBeside(world.database, await inspect(file), copy)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/could not create unique index|duplicate key/),
    })
    expect(await databases.exists(world.database, copy)).toBe(false)
    expect(await databases.leftover(world.database, copy)).toBe(false)
  })

  test('one that was changed since it was inspected is not committed', async () => {
    const file = byHand('shop.sql')
    const dump = await inspect(file)
    await writeFile(file, (await readFile(file, 'utf8')).replace('second', 'sec0nd'))
    await expect(databases.restoreBeside(world.database, dump, copy)).rejects.toMatchObject({
      code: 'verification',
    })
    expect(await databases.exists(world.database, copy)).toBe(false)
  })

  test('a user without superuser rights restores it for the owner of the database', async () => {
    const plain = fixture.databaseOf({ user: 'rb_plain' }) as PostgresDatabase
    const dump = await inspect(byHand('shop.sql', '--no-owner', '--no-privileges'))
    await databases.restoreBeside(plain, dump, copy)
    expect(await print(copy)).toEqual(await print('shop'))
  })

  test('is not of a form that may replace live data', async () => {
    expect(isExact(await inspect(byHand('shop.sql')))).toBe(false)
    expect(isExact(await inspect(byHand('shop.dump', '--format=custom')))).toBe(true)
  })
})

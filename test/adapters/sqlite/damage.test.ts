import { mkdtemp, open, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Connection from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shell } from '../../../src/adapters/process/shell.ts'
import { unwrapWith } from '../../../src/adapters/unwrap/unwrap.ts'
import { secretsOf } from '../../fixtures/secrets.ts'
import { sqliteDatabases } from '../../../src/adapters/sqlite/databases.ts'
import { mustBeComplete } from '../../../src/adapters/sqlite/inspect.ts'
import { mustBeNoWorse } from '../../../src/adapters/sqlite/restore.ts'
import type { SqliteDatabase } from '../../../src/drivers/databases.ts'
import { watchedScope } from '../../fixtures/scope.ts'

// As in the process that does this work; read when the library is first used.
process.env['SQLITE_USE_URI'] = '1'
const { examine } = await import('../../../src/adapters/sqlite/examine.ts')

/** Numbers that look random and are the same every time. */
function* draws(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

describe('damaged backups', () => {
  let folder: string
  let file: string
  let whole: Buffer
  const scope = watchedScope()
  const databases = sqliteDatabases({ scope, unwrap: unwrapWith({ shell, secrets: secretsOf({}) }) })
  let database: SqliteDatabase

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'runbook-damage-')))
    file = join(folder, 'app-20260203-041233.db')
    const connection = new Connection(file)
    connection.exec(
      'CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE children (id INTEGER PRIMARY KEY, parent REFERENCES parents, text, data BLOB); CREATE INDEX by_text ON children (text)',
    )
    connection.transaction(() => {
      connection.exec('INSERT INTO parents VALUES (1)')
      const insert = connection.prepare(
        'INSERT INTO children (parent, text, data) VALUES (1, ?, randomblob(200))',
      )
      for (let row = 0; row < 3_000; row += 1) insert.run(`child ${row}`)
    })()
    connection.exec('DELETE FROM children WHERE id % 3 = 0')
    connection.close()
    whole = await readFile(file)
    database = {
      engine: 'sqlite',
      name: 'app',
      file: join(folder, 'live.db'),
      confirmPhrase: 'app',
      fingerprint: 'rows-and-digest',
    }
    new Connection(database.file).exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)').close()
  })
  afterAll(() => rm(folder, { recursive: true }))

  const refusal = (message: RegExp | string) =>
    expect.objectContaining({
      code: 'verification',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    })
  const made = async (name: string, body: string | Uint8Array): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, body)
    return path
  }
  const making = async (name: string, sql: string): Promise<string> => {
    const path = join(folder, name)
    new Connection(path).exec(sql).close()
    return path
  }

  test('the whole one is taken', async () => {
    expect(await databases.inspect(database, file)).toMatchObject({
      tables: ['children', 'parents'],
      bytes: whole.length,
      takenAt: '2026-02-03T04:12:33.000Z',
      major: 3,
    })
  })

  test('of 200 truncations each is refused by its header', async () => {
    const draw = draws(1)
    for (let round = 0; round < 200; round += 1) {
      const bytes = Math.floor((draw.next().value as number) * whole.length)
      expect(() => mustBeComplete(file, whole.subarray(0, Math.min(bytes, 100)), bytes)).toThrow(
        refusal(/is truncated|is empty|no SQLite header|plain text/),
      )
    }
    for (const bytes of [1, 99, 4_096, whole.length - 4_096, whole.length - 1]) {
      await expect(
        databases.inspect(database, await made('cut.db', whole.subarray(0, bytes))),
      ).rejects.toEqual(refusal(/is truncated|is not a SQLite database/))
    }
  })

  test('of 200 flipped bits each is refused, or seen by the hash alone; none gets by the hash', async () => {
    const dump = await databases.inspect(database, file)
    const draw = draws(2)
    const copy = await made('flipped.db', whole)
    const handle = await open(copy, 'r+')
    let refused = 0
    for (let round = 0; round < 200; round += 1) {
      const at = Math.floor((draw.next().value as number) * whole.length)
      const flipped = Buffer.from([(whole[at] ?? 0) ^ (1 << Math.floor((draw.next().value as number) * 8))])
      await handle.write(flipped, 0, 1, at)
      try {
        await examine(copy, true, [])
      } catch (thrown) {
        // Whatever SQLite makes of it, it is told as a backup that is not whole.
        expect(thrown).toEqual(refusal(/./))
        refused += 1
      }
      if (round % 40 === 0)
        await expect(databases.restoreBeside(database, { ...dump, file: copy }, 'copy')).rejects.toEqual(
          refusal('checksum mismatch in dump'),
        )
      await handle.write(whole, at, 1, at)
    }
    await handle.close()
    expect(await readFile(copy)).toEqual(whole)
    // SQLite keeps no checksums: most flips are in the data itself, where only the hash of the file can tell. This is why a place requires checksums.
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(200)
  })

  test('every other reason has words of its own', async () => {
    const says = async (path: string, message: string | RegExp): Promise<void> => {
      await expect(databases.inspect(database, path)).rejects.toEqual(refusal(message))
    }
    await says(join(folder, 'missing.db'), 'no such file')
    await says(folder, 'not a regular file')
    await says(await made('empty.db', ''), 'is empty')
    await says(await made('text.db', 'hello\n'.repeat(100)), /is not a SQLite database \(plain text\)/)
    await says(
      await made('packed.db.gz', Buffer.from([0x1f, 0x8b, 8, 0, ...Array.from({ length: 200 }, () => 7)])),
      'is damaged: its gzip stream cannot be decompressed',
    )
    const secret = await made(
      'secret.db.gpg',
      Buffer.from([0x8c, 0x0d, 4, 9, 3, 8, ...Array.from({ length: 200 }, () => 250)]),
    )
    await expect(databases.inspect(database, secret)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringMatching(/is encrypted \(gpg\), and no passphrase is configured/) as string,
      hint: expect.stringMatching(/backups\.passphrase/) as string,
    })
    await says(
      await made('other.dump', Buffer.concat([Buffer.from('PGDMP'), Buffer.alloc(200)])),
      'is a pg_dump archive',
    )
    await says(await making('bare.db', 'CREATE TABLE t (x); DROP TABLE t'), 'has no tables')
    await says(await making('schema.db', 'CREATE TABLE t (x)'), 'has tables but no rows')
    await made('copied.db', whole)
    await made('copied.db-wal', 'what was committed and not folded in')
    await says(join(folder, 'copied.db'), 'copied from a live database')
  })

  test('rows that point to nothing are refused where the live data has none, and only there', async () => {
    const broken =
      'PRAGMA foreign_keys = OFF; CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO c VALUES (2)'
    const dangling = await making('dangling.db', broken)
    await expect(databases.inspect(database, dangling)).rejects.toEqual(
      refusal('a row of c references a missing row of p, and the live database has no such rows'),
    )
    for (const live of [
      await making('used-to-it.db', broken),
      await made('wreck.db', 'wreck'.repeat(999)),
      join(folder, 'gone.db'),
    ]) {
      expect(await databases.inspect({ ...database, file: live }, dangling)).toMatchObject({
        tables: ['c', 'p'],
      })
    }
  })

  describe('with a collation and a function of its application', () => {
    const theirs = async (name: string): Promise<string> => {
      const path = join(folder, name)
      const connection = new Connection(path)
      connection.function('norm', { deterministic: true }, (text) => String(text).toLowerCase())
      connection.exec(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX by_v ON plain (v); INSERT INTO plain (v) VALUES ('x'); " +
          'CREATE TABLE sorted (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE); CREATE INDEX by_sorted ON sorted (v); ' +
          "CREATE TABLE normed (id INTEGER PRIMARY KEY, v TEXT CHECK (norm(v) <> '')); CREATE INDEX by_norm ON normed (norm(v));",
      )
      const insert = ['sorted', 'normed'].map((table) =>
        connection.prepare(`INSERT INTO ${table} (v) VALUES (?)`),
      )
      connection.transaction(() => {
        for (let row = 0; row < 1_000; row += 1) for (const one of insert) one.run(`value ${row}`)
      })()
      // No collation can be defined here, so an existing one gets another name.
      connection.unsafeMode()
      connection.exec(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'GERMAN')",
      )
      connection.close()
      return path
    }
    const declared = (...applicationDefines: readonly string[]): SqliteDatabase => ({
      ...database,
      applicationDefines,
    })

    test('it is refused for what this program lacks, not as damaged', async () => {
      const path = await theirs('theirs.db')
      await expect(databases.inspect(database, path)).rejects.toEqual(
        expect.objectContaining({
          message: expect.stringMatching(
            /uses the collation GERMAN and the function norm, which its application defines and this program lacks/,
          ),
          hint: expect.stringContaining("applicationDefines: ['GERMAN', 'norm']"),
        }),
      )
      await expect(databases.inspect(declared('german'), path)).rejects.toEqual(
        refusal('uses the function norm,'),
      )
    })

    test('declared, it is read to its last row, restored and dumped', async () => {
      const path = await theirs('declared.db')
      const dump = await databases.inspect(declared('german', 'norm'), path)
      expect(dump.tables).toEqual(['normed', 'plain', 'sorted'])
      const own = { ...declared('GERMAN', 'norm'), file: path }
      const again = await databases.dump(own, own.name, join(folder, 'dumped.db'))
      expect(again.tables).toEqual(dump.tables)
    })

    test.each(['sorted', 'by_sorted', 'by_norm', 'by_v'])(
      'a damaged page of %s is still damage',
      async (of) => {
        const path = await theirs(`bad-${of}.db`)
        const connection = new Connection(path, { readonly: true })
        const page = connection
          .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno DESC")
          .pluck()
          .get(of) as number
        const size = connection.pragma('page_size', { simple: true }) as number
        connection.close()
        const handle = await open(path, 'r+')
        await handle.write(Buffer.alloc(size, 0xff), 0, size, (page - 1) * size)
        await handle.close()
        await expect(databases.inspect(declared('GERMAN', 'norm'), path)).rejects.toEqual(
          refusal(/is damaged|is not a readable SQLite database/),
        )
      },
    )
  })

  describe('a dump of a damaged database', () => {
    const kinds = {
      'without rows': ['CREATE TABLE t (x)'],
      'without tables': ['CREATE TABLE t (x); DROP TABLE t'],
      'with orphaned rows': [
        'PRAGMA foreign_keys = OFF; CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (2)',
      ],
      // The index is left out of the schema while a row is deleted, so it has an entry of a row that is not there.
      'with a broken index': [
        'CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3); CREATE INDEX i ON t (x)',
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'i'",
        'DELETE FROM t WHERE x = 3',
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('index', 'i', 't', 3, 'CREATE INDEX i ON t (x)')",
      ],
    }
    let number = 0
    const make = (sql: readonly string[]): string => {
      const path = join(folder, `bad ${(number += 1)}.db`)
      for (const script of sql) new Connection(path).unsafeMode().exec(script).close()
      return path
    }

    test.each(Object.entries(kinds))('%s is complete, and comes back to the last byte', async (_, sql) => {
      const live = { ...database, file: make(sql) }
      const dump = await databases.dump(live, 'app', `${live.file}.dump`)
      expect(await databases.readBack(live, dump.file)).toEqual(dump)
      await expect(databases.inspect(database, dump.file)).rejects.toMatchObject({ code: 'verification' })
      const bytes = await readFile(dump.file)
      new Connection(live.file).exec('CREATE TABLE newer (x); INSERT INTO newer VALUES (1)').close()
      await databases.restoreExactly(live, dump)
      expect((await readFile(live.file)).equals(bytes)).toBe(true)
    })

    test('is refused where the database is intact and the dump is not', async () => {
      const broken = make(kinds['with a broken index'])
      await expect(mustBeNoWorse(broken, file, scope)).rejects.toEqual(
        refusal(/the new dump .* is damaged, and database .* is not/),
      )
      await mustBeNoWorse(broken, broken, scope)
      await mustBeNoWorse(file, broken, scope)
    })
  })

  test('a copy that a run made is dropped though it is no database any more; another file is not', async () => {
    const [copy, notes] = ['app.db__rb_20260203_050000_abcde', 'notes.txt']
    for (const name of [copy, notes]) await made(name, 'zeros and worse\n'.repeat(500))
    await databases.drop(database, copy)
    await expect(databases.drop(database, notes)).rejects.toThrow('not a SQLite database')
    expect((await readdir(folder)).filter((name) => [copy, notes].includes(name))).toEqual([notes])
  })

  test('what stands there is dumped and comes back, even if the bad deployment left not one row', async () => {
    const emptied = { ...database, file: await making('emptied.db', 'CREATE TABLE t (x)') }
    const dump = await databases.dump(emptied, 'app', join(folder, 'as-it-stood.db'))
    new Connection(emptied.file).exec('INSERT INTO t VALUES (1)').close()
    await databases.restoreInPlace(emptied, dump)
    expect(await databases.query(emptied, 'app', 'SELECT count(*) AS rows FROM t')).toEqual([{ rows: 0 }])
  })

  test('nothing is made where nothing was, and nothing beside what is looked at', async () => {
    const wal = await making(
      'logged.db',
      'PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)',
    )
    const before = (await readdir(folder)).sort()
    await databases.inspect(database, wal)
    await expect(databases.inspect(database, join(folder, 'missing.db'))).rejects.toThrow()
    await expect(databases.query(database, 'missing.db', 'SELECT 1')).rejects.toThrow('not found')
    expect((await readdir(folder)).sort()).toEqual(before)
  })
})

describe('a backup into which the job wrote no data', () => {
  const hint = expect.stringMatching(/^the job that makes it .*: runbook backups$/)
  test.each([
    ['', false, 'dump /b/shop.db is empty (0 bytes)'],
    [
      '',
      true,
      'dump /b/shop.db is refused: it is empty inside: what was compressed or encrypted into it has 0 bytes',
    ],
    [
      'Error: unable to open database "/data/shop.db"\n',
      false,
      'dump /b/shop.db is not a SQLite database, but a message: Error: unable to open database "/data/shop.db"',
    ],
  ])('is refused with what it is and what to type: %j', (text, isWrapped, message) => {
    const bytes = Buffer.from(text)
    const thrown = (() => {
      try {
        mustBeComplete('/b/shop.db', bytes, bytes.length, isWrapped)
      } catch (error) {
        return error
      }
      return null
    })()
    expect(thrown).toMatchObject({ code: 'verification', message, hint })
  })
})

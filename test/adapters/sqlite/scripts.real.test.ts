import { execFileSync } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isExact } from '../../../src/drivers/databases.ts'
import { program } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { openSqlite, type SqliteWorld } from '../../fixtures/sqlite-world.ts'

const copy = 'shop__rb_script'

const more = `
  CREATE TABLE "odd ""one"";" (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT, raw BLOB, UNIQUE (body));
  INSERT INTO "odd ""one"";" (body, raw) VALUES ('it''s; -- not a comment' || char(10) || 'größe', X'00ff3b'), (NULL, 'COMMIT;'), ('x', 1.5);
  CREATE VIEW seen AS SELECT name FROM customers;
  CREATE INDEX by_note ON orders (note);
  CREATE TRIGGER kept AFTER INSERT ON orders BEGIN UPDATE orders SET note = CASE WHEN note IS NULL THEN 'none;' ELSE note END; END;
  CREATE VIRTUAL TABLE words USING fts5(body);
  INSERT INTO words VALUES ('searched for'), ('found');
  ANALYZE`

describe.skipIf(!program('sqlite3'))('backups of .dump of sqlite3', () => {
  let world: SqliteWorld

  beforeEach(async () => {
    world = await openSqlite('WAL')
  })
  afterEach(() => world.close())

  const shell = (file: string, ...commands: readonly string[]): string =>
    execFileSync('sqlite3', [file, ...commands], { encoding: 'utf8', maxBuffer: 1 << 28 })
  const written = async (name: string, bytes: string | Uint8Array): Promise<string> => {
    await writeFile(world.place(name), bytes)
    return world.place(name)
  }

  test.each(['as it is', 'in gzip'])('%s: counted, and restored beside', async (how) => {
    shell(world.database.file, more)
    const databases = world.databases(watchedScope())
    const sql = shell(world.database.file, '.dump')
    const kept = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('runbook-unpacked-'))
    const before = await kept()
    const file = await written('shop-20260203_040000.sql', how === 'in gzip' ? gzipSync(sql) : sql)
    const dump = await databases.inspect(world.database, file)
    expect(dump).toMatchObject({
      engine: 'sqlite',
      format: 'plain',
      takenAt: '2026-02-03T04:00:00.000Z',
      provesItself: how === 'in gzip',
      leftOut: [expect.stringContaining('user_version')],
    })
    expect(dump.contents?.rows).toEqual(
      expect.arrayContaining([
        { table: 'customers', rows: 3 },
        { table: 'odd "one";', rows: 3 },
        { table: 'orders', rows: 2 },
      ]),
    )
    expect(isExact(dump)).toBe(false)
    const header = await databases.header(world.database, file)
    expect(header).toMatchObject({ engine: 'sqlite', format: 'plain', takenAt: dump.takenAt })
    await databases.restoreBeside(world.database, dump, copy)
    expect(await databases.fingerprint(world.database, copy)).toEqual(
      await databases.fingerprint(world.database, 'shop'),
    )
    const restored = world.place(copy)
    expect(dump.unpacked).toEqual({ bytes: 2 * (await stat(restored)).size, folder: tmpdir() })
    // How often it is there depends on which statistics SQLite was built with.
    const comparable = (text: string): string => text.replaceAll('ANALYZE sqlite_schema;\n', '')
    expect(comparable(shell(restored, '.dump'))).toBe(comparable(sql))
    expect(shell(restored, 'PRAGMA integrity_check; PRAGMA journal_mode').trim()).toBe('ok\nwal')
    expect(shell(restored, "SELECT body FROM words WHERE words MATCH 'searched'").trim()).toBe('searched for')
    expect(await kept()).toEqual(before)
  })

  test('cut off anywhere, of a damaged database, or with more in it, it is refused', async () => {
    shell(world.database.file, more)
    const databases = world.databases(watchedScope())
    const sql = shell(world.database.file, '.dump')
    const refused = async (text: string, why: RegExp) =>
      expect(
        databases.inspect(world.database, await written('odd.sql', text)),
        text.slice(-60),
      ).rejects.toMatchObject({
        code: 'verification',
        message: expect.stringMatching(why),
      })
    const end = sql.lastIndexOf('COMMIT;')
    for (let part = 0.1; part < 1; part += 0.09)
      await refused(
        sql.slice(0, Math.floor(end * part)),
        /truncated|ends in a statement|does not (?:write|accept)/,
      )
    await refused(sql.slice(0, end), /is truncated: its last statement is not COMMIT/)
    await refused(`${sql.slice(0, end)}ROLLBACK; -- due to errors\n`, /could not be read to its end/)
    await refused(`${sql}DROP TABLE orders;\n`, /SQL after its end/)
    await refused(`${sql.slice(0, end)}ATTACH '${world.place('evil')}' AS evil;\nCOMMIT;\n`, /does not write/)
    await refused(`${sql.slice(0, end)}INSERT INTO missing VALUES(1);\nCOMMIT;\n`, /no such table: missing/)
    await refused(`${sql.slice(0, end)}.shell touch x\nCOMMIT;\n`, /does not write/)
    await refused('PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCOMMIT;\n', /is empty/)
    expect(await readdir(world.folder)).not.toContain('evil')
  })

  test('one that changed after it was read is not restored', async () => {
    const databases = world.databases(watchedScope())
    const sql = shell(world.database.file, '.dump')
    const dump = await databases.inspect(world.database, await written('shop.sql', sql))
    await written('shop.sql', sql.replace('Ada', 'Eve'))
    await expect(databases.restoreBeside(world.database, dump, copy)).rejects.toMatchObject({
      message: expect.stringMatching(/checksum mismatch/),
    })
    expect(await databases.exists(world.database, copy)).toBe(false)
    expect((await readFile(world.place('shop.sql'), 'utf8')).includes('Eve')).toBe(true)
  })
})

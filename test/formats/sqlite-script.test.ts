import { describe, expect, test } from 'vitest'
import { ScriptRefused } from '../../src/formats/dumps/sql-script.ts'
import { isSqliteScript, SqliteDump, SqliteScript } from '../../src/formats/dumps/sqlite-script.ts'

const split = (sql: string, chunk = sql.length): readonly string[] => {
  const script = new SqliteScript()
  const bytes = Buffer.from(sql)
  const statements: string[] = []
  for (let at = 0; at < bytes.length; at += chunk)
    statements.push(...script.push(bytes.subarray(at, at + chunk)))
  return [...statements, ...script.end()]
}

const statements = [
  'PRAGMA foreign_keys=OFF;',
  'BEGIN TRANSACTION;',
  `CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT DEFAULT 'a;b' /* ; */, -- it's; one\n "c;d" TEXT, [e;f] TEXT, \`g;h\` TEXT);`,
  `INSERT INTO notes VALUES(1,'it''s; -- x','/*',NULL,'größe');`,
  `INSERT INTO notes VALUES(2,replace('a\\nb','\\n',char(10)),X'00ff',1.5e-3,'');`,
  `CREATE TRIGGER more AFTER INSERT ON notes BEGIN UPDATE notes SET body = CASE WHEN 1 THEN 'END;' ELSE 2 END; DELETE FROM notes WHERE id < 0; END;`,
  `CREATE TEMP TRIGGER IF NOT EXISTS "END" AFTER INSERT ON notes BEGIN SELECT 1; end ;`,
  `CREATE VIEW triggers AS SELECT 1 AS "TRIGGER";`,
  'COMMIT;',
]

describe('SQL of .dump', () => {
  test.each([1, 2, 3, 7, 64, 10_000])('is split in the same way in chunks of %i bytes', (chunk) => {
    const sql = `/* first; */\n${statements.join('\n-- between; them\n')}\n-- last`
    expect(split(sql, chunk)).toEqual(statements)
  })

  test.each([
    "SELECT 'a",
    'SELECT 1',
    '/* open',
    "INSERT INTO a VALUES('x');\nINSERT INTO",
    'CREATE TRIGGER a BEGIN SELECT 1;',
  ])('that ends in %j is refused', (sql) => {
    expect(() => split(sql)).toThrow(ScriptRefused)
    expect(() => split(sql, 1)).toThrow(ScriptRefused)
  })

  test('is recognised by its first two statements', () => {
    expect(isSqliteScript(Buffer.from('PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n'))).toBe(true)
    expect(isSqliteScript(Buffer.from('PRAGMA foreign_keys=OFF;\r\nBEGIN TRANSACTION;\r\n'))).toBe(true)
    expect(isSqliteScript(Buffer.from('BEGIN TRANSACTION;\n'))).toBe(false)
  })
})

const roles = (all: readonly string[]): readonly string[] => {
  const dump = new SqliteDump()
  const found = all.map((one) => dump.take(one))
  dump.end()
  return found
}
const [off, begin, commit] = ['PRAGMA foreign_keys=OFF;', 'BEGIN TRANSACTION;', 'COMMIT;']
const table = `INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','f','f',0,'CREATE VIRTUAL TABLE f USING fts5(x)');`

describe('a statement of .dump', () => {
  test('is executed, with the right to write the schema only where .dump asks for it', () => {
    expect(
      roles([
        off,
        begin,
        'CREATE TABLE a(x);',
        'PRAGMA writable_schema=ON;',
        table,
        "INSERT INTO f_data VALUES(1,X'00');",
        'PRAGMA writable_schema=OFF;',
        'DELETE FROM sqlite_sequence;',
        "INSERT INTO sqlite_sequence VALUES('a',3);",
        'CREATE UNIQUE INDEX b ON a(x);',
        commit,
      ]),
    ).toEqual([
      'left out',
      'left out',
      'executed',
      'left out',
      'executed on the schema table',
      'executed on the schema table',
      'left out',
      'executed',
      'executed',
      'executed',
      'left out',
    ])
  })

  test.each([
    [['ROLLBACK;'], 'could not be read to its end'],
    [['CREATE TABLE a(x);'], 'is truncated'],
    [[commit, 'CREATE TABLE a(x);'], 'SQL after its end'],
    [["ATTACH '/etc/x' AS y;", commit], 'does not write: "ATTACH'],
    [['VACUUM INTO "/tmp/x";', commit], 'does not write'],
    [['SELECT 1;', commit], 'does not write'],
    [['CREATE VIRTUAL TABLE f USING fts5(x);', commit], 'does not write'],
    [['PRAGMA temp_store_directory="/";', commit], 'does not write'],
    [[table, commit], 'does not write'],
    [["INSERT INTO main.sqlite_schema VALUES('table');", commit], 'does not write'],
    [
      [
        'PRAGMA writable_schema=ON;',
        "INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES('view','v','v',0,'');",
        commit,
      ],
      'does not write',
    ],
  ])('%j is refused: it %s', (more, why) => {
    expect(() => roles([off, begin, ...more])).toThrow(why)
  })
})

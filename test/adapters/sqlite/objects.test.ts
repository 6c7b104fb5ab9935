import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Connection from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shell } from '../../../src/adapters/process/shell.ts'
import { sqliteDatabases } from '../../../src/adapters/sqlite/databases.ts'
import { unwrapWith } from '../../../src/adapters/unwrap/unwrap.ts'
import type { Dump, SqliteDatabase } from '../../../src/drivers/databases.ts'
import { otherObjects } from '../../../steps/databases/lib/other-objects.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { secretsOf } from '../../fixtures/secrets.ts'

let folder: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'runbook-objects-')))
})
afterAll(() => rm(folder, { recursive: true }))

const laid = (name: string, sql: string): SqliteDatabase => {
  const file = join(folder, name)
  const connection = new Connection(file)
  connection.exec(
    `CREATE TABLE orders (id INTEGER PRIMARY KEY, code UNIQUE); INSERT INTO orders VALUES (1, 'a'); ${sql}`,
  )
  connection.close()
  return { engine: 'sqlite', name: 'live', file, confirmPhrase: name, fingerprint: 'rows' }
}

test('a backup that lacks views, triggers and indexes is said to', async () => {
  const databases = sqliteDatabases({
    scope: watchedScope(),
    unwrap: unwrapWith({ shell, secrets: secretsOf({}) }),
  })
  const live = laid(
    'live.db',
    `CREATE VIEW sales AS SELECT 1; CREATE INDEX by_code ON orders (code); CREATE TABLE empty (x); CREATE INDEX by_x ON empty (x);
     CREATE TRIGGER stamp AFTER INSERT ON orders BEGIN SELECT 1; END`,
  )
  const lacking = async (backup: string): Promise<string> =>
    otherObjects(
      await databases.contents(live, 'live'),
      (await databases.inspect(live, backup)) as Dump,
      'beside',
    )
  const backup = laid('backup-20260203-041233.db', '')
  expect(await lacking(backup.file)).toBe('empty tables empty; index: by_code; trigger: stamp; view: sales')
  const copy = join(folder, 'copy-20260203-041233.db')
  await databases.dump(live, 'live', copy)
  expect(await lacking(copy)).toBe('none')
})

import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sqliteDatabases } from '../../src/adapters/sqlite/databases.ts'
import { unwrapWith } from '../../src/adapters/unwrap/unwrap.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { timed } from '../project.ts'
import { millisecondsOf, type Row } from '../row.ts'
import { quietScope } from '../scope.ts'

/** A backup of a SQLite database, read to its last page, then copied beside the live one. */
export const sqlite: Row = {
  name: 'sqlite',
  title: 'Verifying and restoring a SQLite database',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const rows = quick ? 400_000 : 4_000_000
    const live = join(folder, 'live.db')
    const bytes = fill(live, rows)
    const backup = join(folder, 'backup.db')
    await timed('cp', [live, backup], folder)
    const database = {
      engine: 'sqlite',
      name: 'live.db',
      file: live,
      confirmPhrase: 'none',
      fingerprint: 'rows',
    } as const
    const secrets = { reveal: async () => new Secret('NONE', '') }
    const inScope = () => sqliteDatabases({ scope: quietScope(), unwrap: unwrapWith({ shell, secrets }) })
    const shellScript = (script: string) => () => timed('sh', ['-ec', script], folder)
    const check = "sqlite3 backup.db 'PRAGMA integrity_check' >check"
    return {
      rounds: quick ? 3 : 5,
      size: `${Math.round(bytes / 1e6)} MB, ${rows.toLocaleString('en')} rows, two indexes`,
      contestants: [
        {
          name: '`PRAGMA integrity_check`, `cp` aside, `cp` over',
          once: shellScript(`${check}; cp live.db aside.db; cp backup.db over.db; sync over.db`),
        },
        { name: '`PRAGMA integrity_check`', once: shellScript(check) },
        { name: '`PRAGMA quick_check`', once: shellScript(check.replace('integrity', 'quick')) },
        { name: 'verified', once: () => millisecondsOf(() => inScope().inspect(database, backup)) },
        {
          name: 'verified, then restored beside the live one',
          once: () =>
            millisecondsOf(async () => {
              const databases = inScope()
              const dump = await databases.inspect(database, backup)
              await databases.restoreBeside(database, dump, 'live__rb_bench.db')
            }),
        },
      ],
    }
  },
}

function fill(file: string, rows: number): number {
  const database = new Database(file)
  database.exec(`
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, placed TEXT NOT NULL, note TEXT NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO orders SELECT i, i * 7919 % 100003, date(1700000000 + i, 'unixepoch'), printf('%064d', i * 104729) FROM n;
    CREATE INDEX orders_customer ON orders (customer);
    CREATE INDEX orders_placed ON orders (placed, customer);
  `)
  const bytes = Number(
    database.prepare('SELECT page_count * page_size FROM pragma_page_count, pragma_page_size').pluck().get(),
  )
  database.close()
  return bytes
}

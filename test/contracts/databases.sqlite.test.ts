import { writeFile } from 'node:fs/promises'
import Connection from 'better-sqlite3'
import { afterAll } from 'vitest'
import { KeptPrograms } from '../../src/adapters/process/kept-programs.ts'
import { openSqlite } from '../fixtures/sqlite-world.ts'
import { databasesContract, type DatabaseWorld } from './databases.contract.ts'

/** Kept from one test to the next, as a run keeps them from one step to the next. */
const programs = new KeptPrograms()
afterAll(() => programs.end())

/** As the sqlite3 shell writes it: `.backup`, or `.dump` of tables with a number and a text. */
async function open(journal: 'WAL' | 'DELETE'): Promise<DatabaseWorld> {
  const world = await openSqlite(journal, {}, programs)
  return {
    ...world,
    async exported(format) {
      const place = world.place(`exported.${format}`)
      const connection = new Connection(world.database.file, { readonly: true })
      try {
        if (format === 'sqlite') await connection.backup(place)
        else await writeFile(place, scriptOf(connection))
      } finally {
        connection.close()
      }
      return place
    },
  }
}

function scriptOf(connection: Connection.Database): string {
  const tables = connection.prepare('SELECT name, sql FROM sqlite_schema').all() as readonly {
    readonly name: string
    readonly sql: string
  }[]
  const lines = tables.flatMap(({ name, sql }) => [
    `${sql};`,
    ...(
      connection.prepare(`SELECT * FROM ${name}`).raw().all() as readonly (readonly [number, string])[]
    ).map(([id, text]) => `INSERT INTO ${name} VALUES(${id},'${text.replaceAll("'", "''")}');`),
  ])
  return `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n${lines.join('\n')}\nCOMMIT;\n`
}

databasesContract('sqlite, write-ahead log', () => open('WAL'), ['sqlite', 'plain'])
databasesContract('sqlite, rollback journal', () => open('DELETE'), ['sqlite', 'plain'])

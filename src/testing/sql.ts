import Connection from 'better-sqlite3'
import type { JsonObject } from '../kernel/json.ts'
import { RunbookError } from '../kernel/errors.ts'
import { cellOf, columnsOf, type FakeTables } from './fake-dump.ts'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Answers a query by loading fake tables into an in-memory SQLite. It understands most of what a check after
 * a restore asks of any engine.
 * @throws RunbookError `failed` for a query that is not read-only or that SQLite does not understand
 */
export function answerOf(sql: string, tables: FakeTables): readonly JsonObject[] {
  const connection = new Connection(':memory:')
  try {
    for (const [table, rows] of Object.entries(tables)) {
      const columns = columnsOf(rows)
      connection.exec(
        `CREATE TABLE ${quoted(table)} (${(columns.length === 0 ? ['id'] : columns).map(quoted).join(', ')})`,
      )
      if (columns.length === 0) continue
      const insert = connection.prepare(
        `INSERT INTO ${quoted(table)} VALUES (${columns.map(() => '?').join(', ')})`,
      )
      for (const row of rows) insert.run(columns.map((column) => cellOf(row[column])))
    }
    const statement = connection.prepare(sql)
    if (!statement.readonly || !statement.reader)
      throw new RunbookError('failed', `query is not read-only: ${sql}`, { hint: 'write one SELECT' })
    return statement.all() as readonly JsonObject[]
  } catch (cause) {
    if (cause instanceof RunbookError) throw cause
    throw new RunbookError('failed', `cannot answer ${sql}`, {
      cause,
      hint: 'add the answer to `answers` of the fake server',
    })
  } finally {
    connection.close()
  }
}

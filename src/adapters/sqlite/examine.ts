import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { immutable, using, type Connection } from './connect.ts'
import { quoted, tablesOf } from './tables.ts'

export type Examination = {
  readonly tables: number
  /** Those that hold rows, by name. */
  readonly filled: readonly string[]
  /** A row that points to one that is not there, where it was looked for. SQLite itself enforces foreign keys only when told to. */
  readonly dangling: string | null
}

/**
 * Reads a database file to its last page: every index and foreign key too where `thorough`.
 * @throws RunbookError `verification` for damage.
 */
export async function examine(file: string, thorough: boolean): Promise<Examination> {
  const refused = (what: string, cause?: unknown): RunbookError =>
    new RunbookError('verification', `${shellWord(file)} ${what}`, {
      cause,
      hint: `choose another backup; what can be read of this one: sqlite3 ${shellWord(file)} .recover`,
    })
  try {
    return await using(immutable(file), (connection) => {
      const found = lines(connection, thorough ? 'integrity_check(10)' : 'quick_check(10)')
      if (found.length !== 1 || found[0] !== 'ok')
        throw refused(`is damaged: ${found.slice(0, 3).join('; ')}`)
      const tables = tablesOf(connection)
      const filled = tables.filter(
        (table) => connection.prepare(`SELECT 1 FROM main.${quoted(table)} LIMIT 1`).get() !== undefined,
      )
      return { tables: tables.length, filled, dangling: thorough ? danglingReference(connection) : null }
    })
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    throw refused('cannot be read as a SQLite database', thrown)
  }
}

function lines(connection: Connection.Database, pragma: string): readonly string[] {
  return (connection.pragma(pragma) as readonly object[]).map((row) => String(Object.values(row)[0]))
}

export function danglingReference(connection: Connection.Database): string | null {
  for (const row of connection.prepare('PRAGMA foreign_key_check').iterate()) {
    const { table, parent } = row as { readonly table: string; readonly parent: string }
    return `a row of ${table} points to a row of ${parent} that is not there`
  }
  return null
}

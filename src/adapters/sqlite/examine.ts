import { RunbookError } from '../../kernel/errors.ts'
import { word } from '../../kernel/word.ts'
import { immutable, using, type Connection } from './connect.ts'
import { quoted, tablesOf } from './tables.ts'

export type Examination = {
  /** Checks every page and index, and what the foreign keys say; else only that every page can be read. */
  readonly thorough: boolean
  /** Whether rows that point to nothing make it a bad backup. SQLite itself does not enforce foreign keys unless told to. */
  readonly foreignKeys: 'refuse' | 'allow'
}

/**
 * Reads a database file to its last page.
 * @returns its tables that hold rows.
 * @throws RunbookError `verification`: damage, broken foreign keys, no table, no row.
 */
export async function examine(file: string, { thorough, foreignKeys }: Examination): Promise<readonly string[]> {
  const refused = (what: string, hint: string, cause?: unknown): RunbookError => new RunbookError('verification', `${word(file)} ${what}`, { hint, cause })
  const another = 'choose another backup; what can be read of this one: sqlite3 FILE .recover'
  try {
    return await using(immutable(file), (connection) => {
      const found = lines(connection, thorough ? 'integrity_check(10)' : 'quick_check(10)')
      if (found.length !== 1 || found[0] !== 'ok') throw refused(`is damaged: ${found.slice(0, 3).join('; ')}`, another)
      const tables = tablesOf(connection)
      if (tables.length === 0) throw refused('has no table: it is a database, but an empty one', 'choose another backup, and look at how this one was made')
      const filled = tables.filter((table) => connection.prepare(`SELECT 1 FROM main.${quoted(table)} LIMIT 1`).get() !== undefined)
      if (filled.length === 0) throw refused('has tables but not one row: only the schema was saved', 'choose another backup, and look at how this one was made')
      if (thorough && foreignKeys === 'refuse') {
        const dangling = danglingIn(connection)
        if (dangling !== null) throw refused(`is not whole: ${dangling}`, 'see whether the live database has them too: sqlite3 FILE "PRAGMA foreign_key_check"')
      }
      return filled
    })
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    throw refused('cannot be read as a SQLite database', another, thrown)
  }
}

function lines(connection: Connection.Database, pragma: string): readonly string[] {
  return (connection.pragma(pragma) as readonly object[]).map((row) => String(Object.values(row)[0]))
}

function danglingIn(connection: Connection.Database): string | null {
  for (const row of connection.prepare('PRAGMA foreign_key_check').iterate()) {
    const { table, parent } = row as { readonly table: string; readonly parent: string }
    return `a row of ${table} points to a row of ${parent} that is not there`
  }
  return null
}

import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { immutable, reading, using, type Connection } from './connect.ts'
import { quoted, tablesOf } from './tables.ts'

export type Examination = {
  readonly tables: number
  /** Names of the tables with rows. */
  readonly filled: readonly string[]
  /**
   * A row with a dangling foreign key; null if there is none or it was not checked. SQLite does not enforce
   * them by default.
   */
  readonly dangling: string | null
}

/**
 * Checks every page of a database file; with `thorough` also all indexes and foreign keys.
 * @throws RunbookError `verification` if it is damaged
 */
export async function examine(file: string, thorough: boolean): Promise<Examination> {
  const refused = (what: string, cause?: unknown): RunbookError =>
    new RunbookError('verification', `${shellWord(file)} ${what}`, {
      cause,
      hint: `choose another backup, or recover what is readable: sqlite3 ${shellWord(file)} .recover`,
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
    throw refused('is not a readable SQLite database', thrown)
  }
}

/** Whether every page and index is intact. A database that may be live is read with locks. */
export async function isIntact(file: string): Promise<boolean> {
  try {
    return await reading(file, (connection) => lines(connection, 'integrity_check(1)').join() === 'ok')
  } catch (thrown) {
    if (isDamage(thrown)) return false
    throw thrown
  }
}

/**
 * Names of the tables with rows, as far as a possibly damaged database can be read; a table whose rows cannot be
 * read counts as one with rows.
 */
export async function contentsOf(file: string): Promise<readonly string[]> {
  const unless = <T>(damaged: T, read: () => T): T => {
    try {
      return read()
    } catch (thrown) {
      if (isDamage(thrown)) return damaged
      throw thrown
    }
  }
  return using(immutable(file), (connection) =>
    unless([], () => tablesOf(connection)).filter((table) =>
      unless(
        true,
        () => connection.prepare(`SELECT 1 FROM main.${quoted(table)} LIMIT 1`).get() !== undefined,
      ),
    ),
  )
}

/** SQLITE_ERROR: what a damaged schema says may be no SQL, or name what is missing. */
const isDamage = (thrown: unknown): boolean =>
  /^SQLITE_(?:CORRUPT|NOTADB|ERROR)/.test(String((thrown as { readonly code?: unknown }).code))

function lines(connection: Connection.Database, pragma: string): readonly string[] {
  return (connection.pragma(pragma) as readonly object[]).map((row) => String(Object.values(row)[0]))
}

export function danglingReference(connection: Connection.Database): string | null {
  for (const row of connection.prepare('PRAGMA foreign_key_check').iterate()) {
    const { table, parent } = row as { readonly table: string; readonly parent: string }
    return `a row of ${table} references a missing row of ${parent}`
  }
  return null
}

import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { immutable, reading, using, type Connection } from './connect.ts'
import { objectsOf, quoted, tablesOf } from './tables.ts'

export type Examination = {
  readonly tables: number
  /** Names of the tables with rows. */
  readonly filled: readonly string[]
  /** Only if thorough: rows of all tables that can be counted without what the application adds. */
  readonly rows: readonly { readonly table: string; readonly rows: number }[]
  /** Titles of views, triggers and indexes. */
  readonly objects: readonly string[]
  /**
   * A row with a dangling foreign key; null if there is none or it was not checked. SQLite does not enforce
   * them by default.
   */
  readonly dangling: string | null
}

/**
 * Checks every page of a database file; with `thorough` also all indexes and foreign keys. Indexes and
 * constraints that use a collation or function of the application cannot be checked here: then every page and
 * every row of their tables is read instead.
 * @param defined the collations and functions that the application adds; null accepts any
 * @throws RunbookError `verification` if it is damaged, or uses a collation or function that is not in `defined`
 */
export async function examine(
  file: string,
  thorough: boolean,
  defined: readonly string[] | null,
): Promise<Examination> {
  const refused = (what: string, cause?: unknown): RunbookError =>
    new RunbookError('verification', `${shellWord(file)} ${what}`, {
      cause,
      hint: `choose another backup, or recover what is readable: sqlite3 ${shellWord(file)} .recover`,
    })
  try {
    return await using(immutable(file), (connection) => {
      const { problems, lacking } = checked(connection, thorough ? 'integrity_check' : 'quick_check')
      if (problems.length > 0) throw refused(`is damaged: ${problems.slice(0, 3).join('; ')}`)
      const known = defined?.map((name) => name.toLowerCase()) ?? null
      const unnamed = lacking.filter(({ name }) => known !== null && !known.includes(name.toLowerCase()))
      if (unnamed.length > 0) throw undeclared(file, unnamed)
      const tables = tablesOf(connection)
      const filled = tables.filter((table) => hasRows(connection, table))
      const rows = thorough ? tables.flatMap((table) => counted(connection, table)) : []
      const dangling = thorough ? unlessLacking(() => danglingReference(connection)) : null
      const objects = titlesOf(connection)
      return { tables: tables.length, filled, rows, objects, dangling: isLacking(dangling) ? null : dangling }
    })
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    throw refused('is not a readable SQLite database', thrown)
  }
}

const hasRows = (connection: Connection.Database, table: string): boolean =>
  connection.prepare(`SELECT 1 FROM main.${quoted(table)} LIMIT 1`).get() !== undefined

function counted(connection: Connection.Database, table: string): Examination['rows'] {
  const sql = `SELECT count(*) FROM main.${quoted(table)} NOT INDEXED`
  const rows = unlessLacking(() => Number(connection.prepare(sql).pluck().get()))
  return isLacking(rows) ? [] : [{ table, rows }]
}

/** A collation or function that this program lacks. */
type Lacking = { readonly kind: 'collation' | 'function'; readonly name: string }

function undeclared(file: string, lacking: readonly Lacking[]): RunbookError {
  const names = lacking.map(({ kind, name }) => `the ${kind} ${name}`).join(' and ')
  const list = lacking.map(({ name }) => `'${name}'`).join(', ')
  return new RunbookError(
    'verification',
    `${shellWord(file)} uses ${names}, which its application defines and this program lacks: ` +
      'what depends on it cannot be checked, though every page can be read',
    {
      hint: `this does not mean damage; to accept it, add applicationDefines: [${list}] to the database in runbook.config.ts`,
    },
  )
}

/** @throws what SQLite throws for a file that it cannot read */
function checked(
  connection: Connection.Database,
  pragma: 'integrity_check' | 'quick_check',
): { readonly problems: readonly string[]; readonly lacking: readonly Lacking[] } {
  const ask = (of: string): readonly string[] => lines(connection, of).filter((line) => line !== 'ok')
  const all = unlessLacking(() => ask(`${pragma}(10)`))
  if (!isLacking(all)) return { problems: all, lacking: [] }
  const lacking = new Map<string, Lacking>([[all.name, all]])
  const problems: string[] = []
  for (const table of tablesOf(connection)) {
    for (const one of ['integrity_check', 'quick_check']) {
      const found = unlessLacking(() => ask(`${one}(${quoted(table)})`))
      if (!isLacking(found)) {
        problems.push(...found)
        break
      }
      lacking.set(found.name, found)
    }
    // Decodes every cell, which the checks of its pages do not.
    for (const _ of connection
      .prepare(`SELECT * FROM main.${quoted(table)} NOT INDEXED`)
      .raw()
      .iterate())
      continue
  }
  problems.push(...ask('integrity_check(sqlite_schema)'))
  // dbstat visits every page of every table and index without comparing keys.
  const pages = connection.prepare('SELECT name, pageno, pagetype FROM dbstat').iterate()
  for (const page of pages as Iterable<{ name: string; pageno: number; pagetype: string }>)
    if (!['internal', 'leaf', 'overflow'].includes(page.pagetype))
      problems.push(`page ${page.pageno} of ${page.name} is ${page.pagetype}`)
  const order = ({ kind, name }: Lacking): string => `${kind} ${name}`
  return {
    problems,
    lacking: [...lacking.values()].sort((one, other) => (order(one) < order(other) ? -1 : 1)),
  }
}

const isLacking = <T>(found: T | Lacking): found is Lacking =>
  typeof found === 'object' && found !== null && 'kind' in found

/** What it returns, or what it lacks. */
function unlessLacking<T>(work: () => T): T | Lacking {
  try {
    return work()
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : ''
    const collation = /^no such collation sequence: (.+)$/.exec(message)?.[1]
    if (collation !== undefined) return { kind: 'collation', name: collation }
    const name = /^(?:unknown|no such) function: ([^()]+)/.exec(message)?.[1]
    if (name !== undefined) return { kind: 'function', name }
    throw thrown
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
 * The tables with rows, as far as a possibly damaged database can be read; a table whose rows cannot be read
 * counts as one with rows.
 */
export async function contentsOf(file: string): Promise<Pick<Examination, 'filled' | 'rows' | 'objects'>> {
  const unless = <T>(damaged: T, read: () => T): T => {
    try {
      return read()
    } catch (thrown) {
      if (isDamage(thrown)) return damaged
      throw thrown
    }
  }
  return using(immutable(file), (connection) => {
    const tables = unless([], () => tablesOf(connection))
    return {
      filled: tables.filter((table) => unless(true, () => hasRows(connection, table))),
      rows: tables.flatMap((table) => unless([], () => counted(connection, table))),
      objects: unless([], () => titlesOf(connection)),
    }
  })
}

const titlesOf = (connection: Connection.Database): readonly string[] =>
  objectsOf(connection).map(({ title }) => title)

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

import {
  digestOf,
  failureOf,
  isPending,
  partsOfName,
  qualifiedName,
  RunbookError,
  sha256,
  type Database,
  type Finding,
  type Look,
  type Pending,
  type RowChoice,
  type TableRows,
} from '../../../src/index.ts'

/** A table and the column that selects its lost rows. */
export type SelectedTable = { readonly table: string; readonly column: string }

const quoted = '"(?:[^"]|"")+"'
const name = `(?:${quoted}|[^":,\\s])+`
const pair = new RegExp(`^(${name}):(${name})$`)
/** What stands between commas, which a quoted name may contain. */
const part = new RegExp(`(?:${quoted}|[^,])+|(?<=^|,)(?=,|$)`, 'g')

/**
 * `projects:id,documents:project_id`: parents first. A name with blanks, commas, colons or dots is quoted as in
 * SQL: `"my app"."order items":"order id"`.
 * @throws RunbookError `usage`
 */
export function selectionOf(text: string): readonly SelectedTable[] {
  const members = (text.match(part) ?? ['']).map((each) => {
    const [, table, column] = pair.exec(each.trim()) ?? []
    if (table === undefined || column === undefined)
      throw new RunbookError('usage', `"${each.trim()}" is not a table with a column`, {
        hint: 'write TABLE:COLUMN, parents first, as in projects:id,documents:project_id; quote names with blanks: \'"my table":id\'',
      })
    return {
      table: canonicalName(table),
      column: column.startsWith('"') ? partsOfName(column).join('.') : column,
    }
  })
  if (new Set(members.map(({ table }) => table)).size < members.length)
    throw new RunbookError('usage', `a table is named twice in "${text}"`, { hint: 'name each once' })
  return members
}

/** As fingerprints name tables: quoted only where a dot or a quote is part of a name. */
function canonicalName(table: string): string {
  const parts = partsOfName(table)
  const last = parts.at(-1) ?? table
  return parts.length > 1
    ? qualifiedName(parts.slice(0, -1).join('.'), last)
    : /[."]/.test(last)
      ? table
      : last
}

/** More would make one script too large; such a loss calls for a restore of the database. */
const mostKeys = 500

/**
 * `p1,p2`: each once. A key with a comma or a quote is quoted as in SQL: `"p,1"`.
 * @throws RunbookError `usage`
 */
export function keysOf(text: string): readonly string[] {
  const keys = (text.match(part) ?? ['']).map((each) => {
    const key = each.trim()
    const inner = /^"((?:[^"]|"")+)"$/.exec(key)?.[1]
    if (inner !== undefined) return inner.replaceAll('""', '"')
    if (key === '')
      throw new RunbookError('usage', `a key is missing in "${text}"`, {
        hint: 'write the keys separated by commas, as in 17,18; quote one with a comma: \'"a,b"\'',
      })
    return key
  })
  const each = [...new Set(keys)]
  if (each.length > mostKeys)
    throw new RunbookError('usage', `${each.length} keys are given, and one run takes ${mostKeys}`, {
      hint: 'use several runs, or restore the database instead',
    })
  return each
}

/** Findings about tables and keys that cannot be read as such, before anything is done. */
export function malformed(of: {
  readonly tables: string | Pending
  readonly key: string | null | Pending
}): readonly Finding[] {
  const refused = (about: string, read: () => unknown): readonly Finding[] => {
    try {
      read()
      return []
    } catch (thrown) {
      const { message, hint = `correct ${about}` } = failureOf(thrown)
      return [{ level: 'refuse', about, problem: message, hint }]
    }
  }
  const { tables, key } = of
  return [
    ...(isPending(tables) ? [] : refused('--tables', () => selectionOf(tables))),
    ...(isPending(key) || key === null ? [] : refused('--key', () => keysOf(key))),
  ]
}

/** What the operator selected. Without a key, all rows whose column has a value that no live row has. */
export type Selection = { readonly tables: string; readonly key: string | null }

/** The keys of each table, in the order of the tables. */
export type Keys = readonly (readonly string[])[]

/**
 * The keys that were given, or those of the backup that are missing.
 * @throws RunbookError `preflight` for more than one run takes
 */
export async function keysIn(
  look: Pick<Look, 'databases'>,
  database: Database,
  copy: string,
  { tables, key }: Selection,
): Promise<Keys> {
  const family = selectionOf(tables)
  if (key !== null) {
    const keys = keysOf(key)
    return family.map(() => keys)
  }
  const missing: (readonly string[])[] = []
  for (const member of family) {
    const there = new Set(await look.databases.values(database, database.name, member))
    missing.push((await look.databases.values(database, copy, member)).filter((one) => !there.has(one)))
  }
  const count = missing.flat().length
  if (count > mostKeys)
    throw new RunbookError('preflight', `${count} keys are missing, and one run takes ${mostKeys}`, {
      hint: 'name some of them with --key, or restore the database instead',
    })
  return missing
}

/** Digest of one key; reveals nothing of it. */
const keyPrint = ({ table, column }: SelectedTable, key: string): string =>
  sha256(JSON.stringify([table, column, key]))

export const keyPrints = (tables: string, keys: Keys): readonly string[] =>
  selectionOf(tables).flatMap((member, index) => (keys[index] ?? []).map((key) => keyPrint(member, key)))

/** The keys with these digests, of those that a database has now; `keysIn` finds none once they are inserted. */
export async function keysWith(
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
  { tables, key }: Selection,
  prints: readonly string[],
): Promise<Keys> {
  const family = selectionOf(tables)
  if (key !== null) return family.map(() => keysOf(key))
  const known = new Set(prints)
  const found: (readonly string[])[] = []
  for (const member of family) {
    const values = await look.databases.values(database, name, member)
    found.push(values.filter((one) => known.has(keyPrint(member, one))))
  }
  return found
}

/** Rows of the selected tables by any of the keys, one part for each table. */
export async function selectedRows(
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
  tables: string,
  keys: Keys,
): Promise<readonly TableRows[]> {
  return together(tables, await partsByKey(look, database, name, tables, keys))
}

type Parts = readonly (readonly TableRows[])[]

/** For each table, the rows of each key. */
async function partsByKey(
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
  tables: string,
  keys: Keys,
): Promise<Parts> {
  const choices = selectionOf(tables).map((member, index): readonly RowChoice[] =>
    (keys[index] ?? []).map((value) => ({ ...member, value })),
  )
  const parts = await look.databases.rows(database, name, choices.flat())
  let from = 0
  return choices.map(({ length }) => parts.slice(from, (from += length)))
}

/** Two keys may be one value for the database, such as `1` and `01`: each row counts once. */
function together(tables: string, parts: Parts): readonly TableRows[] {
  return selectionOf(tables).map(({ table }, index) => {
    const each = parts[index] ?? []
    const rows = new Map(each.flatMap((one) => one.rows.map((row) => [digestOf(row), row] as const)))
    // Of a table without a key nothing was read, so its columns are not known either.
    return { table, columns: [], key: [], ...each[0], rows: [...rows.values()] }
  })
}

export type MissingRows = {
  /** Missing rows of the backup, parents first. They may hold personal data: never journal them. */
  readonly batch: readonly TableRows[]
  readonly counts: readonly { readonly table: string; readonly missing: number; readonly there: number }[]
}

/** Where rows are: a database, and the name of it or of a copy beside it. */
type Place = { readonly database: Database; readonly name: string }

/**
 * Rows that the backup has and the present database lacks.
 * @throws RunbookError `preflight` where a row with the same key differs, the columns differ, or the backup
 * has no row for one of the keys
 */
export async function missingRows(
  look: Pick<Look, 'databases'>,
  backup: Place,
  present: Place,
  tables: string,
  keys: Keys,
): Promise<MissingRows> {
  const saved = await partsByKey(look, backup.database, backup.name, tables, keys)
  mustHaveEach(saved, tables, keys)
  const live = await selectedRows(look, present.database, present.name, tables, keys)
  const parts = together(tables, saved).map((part, index) => ({
    part,
    missing: missingIn(part, live[index] ?? { ...part, rows: [] }),
  }))
  return {
    batch: parts.map(({ missing }) => missing).filter(({ columns }) => columns.length > 0),
    counts: parts.map(({ part, missing }) => ({
      table: part.table,
      missing: missing.rows.length,
      there: part.rows.length - missing.rows.length,
    })),
  }
}

/** A key that was mistyped must not be lost among others. */
function mustHaveEach(saved: Parts, tables: string, keys: Keys): void {
  const every = [...new Set(keys.flat())]
  const found = new Set(
    saved.flatMap((parts, table) =>
      parts.flatMap(({ rows }, index) => (rows.length === 0 ? [] : [keys[table]?.[index]])),
    ),
  )
  const unknown = every.filter((key) => !found.has(key))
  if (unknown.length === 0) return
  const which = every.length === 1 ? 'that key' : `the key ${unknown.join(', ')}`
  const where = selectionOf(tables)
    .map(({ table, column }) => `${table} by ${column}`)
    .join(', ')
  throw new RunbookError('preflight', `no rows with ${which} in the backup: ${where}`, {
    hint: 'check the key, or choose an older backup',
  })
}

/** Rows of `saved` whose key is not in `live`. */
export function missingIn(saved: TableRows, live: TableRows): TableRows {
  const { table, columns, key } = saved
  if (digestOf([columns, key]) !== digestOf([live.columns, live.key])) {
    throw new RunbookError(
      'preflight',
      `the columns of table ${table} differ: ${columns.join(', ')} in the backup, ${live.columns.join(', ')} now`,
      { hint: 'choose a backup of the same migration level' },
    )
  }
  const keyOf = (row: TableRows['rows'][number]): string =>
    digestOf(key.map((name) => row[columns.indexOf(name)] ?? null))
  const there = new Map(live.rows.map((row) => [keyOf(row), digestOf(row)]))
  const changed = saved.rows.filter((row) => there.has(keyOf(row)) && there.get(keyOf(row)) !== digestOf(row))
  if (changed.length > 0) {
    throw new RunbookError(
      'preflight',
      `${changed.length} rows of ${table} already exist and differ from the backup`,
      { hint: 'check them; a row that changed since the backup is never overwritten' },
    )
  }
  return { ...saved, rows: saved.rows.filter((row) => !there.has(keyOf(row))) }
}

/** Digest of one row; reveals nothing of its contents. */
export const rowFingerprint = (table: string, row: TableRows['rows'][number]): string =>
  sha256(JSON.stringify([table, row]))

/** Of all rows, in their order. */
export const rowPrints = (batch: readonly TableRows[]): readonly string[] =>
  batch.flatMap(({ table, rows }) => rows.map((row) => rowFingerprint(table, row)))

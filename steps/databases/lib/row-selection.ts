import {
  digestOf,
  partsOfName,
  qualifiedName,
  RunbookError,
  sha256,
  type Database,
  type Look,
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

export const choicesOf = (family: readonly SelectedTable[], value: string): readonly RowChoice[] =>
  family.map((member) => ({ ...member, value }))

export type MissingRows = {
  /** Missing rows of the backup, parents first. They may hold personal data: never journal them. */
  readonly batch: readonly TableRows[]
  readonly counts: readonly { readonly table: string; readonly missing: number; readonly there: number }[]
}

/**
 * Rows that the backup has and the live database lacks.
 * @throws RunbookError `preflight` where a row with the same key differs, the columns differ, or the backup
 * has no such rows
 */
export async function missingRows(
  look: Pick<Look, 'databases'>,
  database: Database,
  copy: string,
  family: readonly SelectedTable[],
  value: string,
): Promise<MissingRows> {
  const choices = choicesOf(family, value)
  return missingRowsOf(
    await look.databases.rows(database, copy, choices),
    await look.databases.rows(database, database.name, choices),
    family,
  )
}

/** As `missingRows`, for rows that were read already. */
export function missingRowsOf(
  saved: readonly TableRows[],
  live: readonly TableRows[],
  family: readonly SelectedTable[],
): MissingRows {
  const parts = saved.map((part, index) => ({
    part,
    missing: missingIn(part, live[index] ?? { ...part, rows: [] }),
  }))
  const batch = parts.map(({ missing }) => missing)
  const counts = parts.map(({ part, missing }) => ({
    table: part.table,
    missing: missing.rows.length,
    there: part.rows.length - missing.rows.length,
  }))
  if (counts.every(({ missing, there }) => missing + there === 0)) {
    throw new RunbookError(
      'preflight',
      `no rows with that key in the backup: ${family.map(({ table, column }) => `${table} by ${column}`).join(', ')}`,
      { hint: 'check the key, or choose an older backup' },
    )
  }
  return { batch, counts }
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

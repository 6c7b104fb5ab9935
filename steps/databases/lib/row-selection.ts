import {
  digestOf,
  RunbookError,
  sha256,
  type Database,
  type Look,
  type RowChoice,
  type TableRows,
} from '../../../src/index.ts'

/** A table and the column by which its rows belong to what was lost. */
export type SelectedTable = { readonly table: string; readonly column: string }

const form = /^[^:,\s]+:[^:,\s]+$/

/** `projects:id,documents:project_id`: parents first. @throws RunbookError `usage` */
export function selectionOf(text: string): readonly SelectedTable[] {
  const parts = text.split(',').map((part) => part.trim())
  const members = parts.map((part) => ({ table: part.split(':')[0] ?? '', column: part.split(':')[1] ?? '' }))
  const wrong = parts.find((part) => !form.test(part))
  if (wrong !== undefined)
    throw new RunbookError('usage', `"${wrong}" names no table with a column`, {
      hint: 'write TABLE:COLUMN, parents first, as projects:id,documents:project_id',
    })
  if (new Set(members.map(({ table }) => table)).size < members.length)
    throw new RunbookError('usage', `a table is named twice in "${text}"`, { hint: 'name each once' })
  return members
}

export const choicesOf = (family: readonly SelectedTable[], value: string): readonly RowChoice[] =>
  family.map((member) => ({ ...member, value }))

export type MissingRows = {
  /** Rows of the backup that are missing, parents first. They hold people's data: never written into a journal. */
  readonly batch: readonly TableRows[]
  readonly counts: readonly { readonly table: string; readonly missing: number; readonly there: number }[]
}

/**
 * What the backup has and the live database has not. @throws RunbookError `preflight` where a row of the same key says something else,
 * where the columns are others, and where the backup has no such rows.
 */
export async function missingRows(
  look: Pick<Look, 'databases'>,
  database: Database,
  copy: string,
  family: readonly SelectedTable[],
  value: string,
): Promise<MissingRows> {
  const choices = choicesOf(family, value)
  return lostOf(
    await look.databases.rows(database, copy, choices),
    await look.databases.rows(database, database.name, choices),
    family,
  )
}

/** The same of what was read already. */
export function lostOf(
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
      `the backup has no rows of ${family.map(({ table, column }) => `${table} by ${column}`).join(', ')} with that key`,
      { hint: 'look at the key, or choose an older backup' },
    )
  }
  return { batch, counts }
}

/** Rows of `saved` whose key `live` does not have. */
export function missingIn(saved: TableRows, live: TableRows): TableRows {
  const { table, columns, key } = saved
  if (digestOf([columns, key]) !== digestOf([live.columns, live.key])) {
    throw new RunbookError(
      'preflight',
      `the table ${table} has other columns in the backup (${columns.join(', ')}) than now (${live.columns.join(', ')})`,
      { hint: 'choose a backup of the same migration level' },
    )
  }
  const keyOf = (row: TableRows['rows'][number]): string =>
    digestOf(key.map((name) => row[columns.indexOf(name)] ?? null))
  const there = new Map(live.rows.map((row) => [keyOf(row), digestOf(row)]))
  const other = saved.rows.filter((row) => there.has(keyOf(row)) && there.get(keyOf(row)) !== digestOf(row))
  if (other.length > 0) {
    throw new RunbookError(
      'preflight',
      `${other.length} rows of ${table} are there already and say something else than in the backup`,
      { hint: 'look at them; a row that was changed since is never written over' },
    )
  }
  return { ...saved, rows: saved.rows.filter((row) => !there.has(keyOf(row))) }
}

/** Of one row, telling nothing of it. */
export const rowFingerprint = (table: string, row: TableRows['rows'][number]): string =>
  sha256(JSON.stringify([table, row]))

import {
  failureOf,
  type Database,
  type Fingerprint,
  type Io,
  type Look,
  type RowsBeforeAndAfter,
} from '../../../src/index.ts'

export type RowCounts = readonly { readonly table: string; readonly rows: number }[]

/** Counts the rows of each table of a database, live or beside the live one. */
export async function countsOf(
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
): Promise<RowCounts> {
  return rowsIn(await look.databases.fingerprint({ ...database, fingerprint: 'rows' }, name))
}

/** The same; where they cannot be counted, why. */
export async function countsOrWhy(
  look: Pick<Look, 'databases' | 'signal'>,
  database: Database,
  name: string,
): Promise<RowCounts | string> {
  try {
    return await countsOf(look, database, name)
  } catch (thrown) {
    look.signal.throwIfAborted()
    return failureOf(thrown).message
  }
}

/** The same of a fingerprint, without its digests. */
export const rowsIn = ({ tables }: Pick<Fingerprint, 'tables'>): RowCounts =>
  tables.map(({ table, rows }) => ({ table, rows }))

/** For the mark `rows`; null where one side was not counted, as in older journals. */
export const beforeAndAfter = (
  before: RowCounts | undefined,
  after: RowCounts | undefined,
): RowsBeforeAndAfter | null => (before === undefined || after === undefined ? null : { before, after })

const mostNamed = 20

/**
 * The difference between two counts as a clause, such as `orders 33 rows instead of 22 (+11)`. Counts say
 * nothing about rows that were updated, so it never says that nothing changed.
 * @param was what it had when it went live; null or the reason where it was not counted
 * @param is what is there now, or why it could not be counted
 */
export function newerRows(was: RowCounts | string | null, is: RowCounts | string): string {
  if (typeof is === 'string') return `its rows could not be counted: ${is}`
  if (was === null || typeof was === 'string')
    return `how many are newer is unknown, since they were not counted when it went live; it has ${named(
      is.map(({ table, rows }) => `${table} ${counted(rows)}`),
    )}`
  const differences = differencesOf(was, is)
  if (differences.length === 0)
    return 'each table has as many rows as when it went live (updated rows are not counted)'
  return `since it went live: ${named(differences)} (updated rows are not counted)`
}

/** Notes by how many rows of each table the data that is live now differs from the data that it replaced. */
export function reportExchange(
  io: Pick<Io, 'note'>,
  replaced: RowCounts,
  live: RowCounts,
  kept: string,
): void {
  const differences = differencesOf(replaced, live)
  const what = differences.length === 0 ? 'each table has as many rows as before' : named(differences)
  io.note(`compared with the replaced data, which is kept as ${kept}: ${what} (updated rows are not counted)`)
}

/** One clause for each table whose count differs; a missing table has none. Pure. */
export function differencesOf(was: RowCounts, is: RowCounts): readonly string[] {
  const [before, now] = [byTable(was), byTable(is)]
  return [...new Set([...before.keys(), ...now.keys()])].sort().flatMap((table) => {
    const [rows, current] = [before.get(table), now.get(table)]
    if (rows === current) return []
    if (rows === undefined) return [`${table} ${counted(current ?? 0)}, a new table`]
    if (current === undefined) return [`${table} is gone, with ${counted(rows)}`]
    return [
      `${table} ${counted(current)} instead of ${rows} (${current > rows ? '+' : '-'}${Math.abs(current - rows)})`,
    ]
  })
}

const byTable = (counts: RowCounts): ReadonlyMap<string, number> =>
  new Map(counts.map(({ table, rows }) => [table, rows]))

const counted = (rows: number): string => `${rows} ${rows === 1 ? 'row' : 'rows'}`

const named = (parts: readonly string[]): string =>
  parts.length <= mostNamed
    ? parts.join(', ')
    : `${parts.slice(0, mostNamed).join(', ')} and ${parts.length - mostNamed} more tables`

import type { Contents, Dump, TableRowCount } from '../../../src/index.ts'

/** A table with rows that a dump lacks; or the large objects, as `largeObjects`. */
export type Absent = TableRowCount

/** The name under which the loss of large objects is accepted. No table has it: a table of Postgres has a schema. */
export const largeObjects = 'large objects'

/** What has rows and is not in the dump. An empty table loses nothing. Pure. */
export function absentFrom(live: Contents, { tables, contents }: Dump): readonly Absent[] {
  const there = new Set(tables)
  const absent = live.tables.filter(({ table, rows }) => rows > 0 && !there.has(table))
  return contents === undefined || contents.largeObjects || live.largeObjects === 0
    ? absent
    : [...absent, { table: largeObjects, rows: live.largeObjects, estimated: false }]
}

/** Tables as an operator names them, separated by commas. */
export const acceptedIn = (acceptLoss: string | null): readonly string[] =>
  (acceptLoss ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

export const listed = (absent: readonly Absent[]): string =>
  absent
    .map(({ table, rows, estimated }) =>
      table === largeObjects
        ? `${rows} ${largeObjects}`
        : `${table} (${estimated ? 'about ' : ''}${rows} ${rows === 1 ? 'row' : 'rows'})`,
    )
    .join(', ')

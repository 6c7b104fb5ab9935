import { shellWord, type Contents, type Dump, type TableRowCount } from '../../../src/index.ts'

/** A table with rows that a dump lacks; or the large objects, as `largeObjects`. */
export type Absent = TableRowCount

/** A table that has more rows than the dump has of it. */
export type Fewer = TableRowCount & { readonly inDump: number }

/** The name under which the loss of large objects is accepted. No table has it: a table of Postgres has a schema. */
export const largeObjects = 'large objects'

/**
 * What has rows and is not in the dump. An empty table loses nothing; nor does a restore in place of Postgres drop
 * what the dump does not create. Pure.
 */
export function absentFrom(
  live: Contents,
  { engine, tables, contents }: Dump,
  strategy: 'beside' | 'in-place',
): readonly Absent[] {
  const there = new Set([...tables, ...(contents?.rows ?? []).map(({ table }) => table)])
  const absent = live.tables.filter(({ table, rows }) => rows > 0 && !there.has(table))
  if (engine === 'postgres' && strategy === 'in-place')
    return absent.filter(({ table }) => contents?.withoutData.includes(table) !== false)
  return contents === undefined || contents.largeObjects || live.largeObjects === 0
    ? absent
    : [...absent, { table: largeObjects, rows: live.largeObjects, estimated: false }]
}

/** Of what the dump does have, the tables of which it surely has fewer rows. Pure. */
export function fewerIn(live: Contents, { contents }: Dump): readonly Fewer[] {
  const known = new Map((contents?.rows ?? []).map(({ table, rows }) => [table, rows]))
  return live.tables.flatMap((one) => {
    const inDump = known.get(one.table)
    return inDump === undefined || inDump >= one.rows ? [] : [{ ...one, inDump }]
  })
}

/** Whether the loss of a table is accepted: its name is in the list, which is separated by commas as is a name. */
export function accepts(acceptLoss: string | null, { table }: Pick<Absent, 'table'>): boolean {
  const list = (text: string): string => `,${namesIn(text).join(',')},`
  const accepted = list(acceptLoss ?? '')
  return accepted.includes(list(table)) || accepted.includes(list(table.replace(/^public\./, '')))
}

/** The flag that accepts these losses besides those that are accepted already. */
export function acceptFlag(acceptLoss: string | null, absent: readonly Absent[]): string {
  const names = [...namesIn(acceptLoss ?? ''), ...absent.map(({ table }) => table)].join(',')
  return `--accept-loss ${shellWord(names)}`
}

const namesIn = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** Each table with its rows, as the live database has them. */
export const listed = (absent: readonly (Absent | Fewer)[]): string =>
  absent
    .map((one) => {
      const { table, rows, estimated } = one
      if (table === largeObjects) return `${rows} ${largeObjects}`
      const count = `${estimated ? 'about ' : ''}${rows} ${rows === 1 ? 'row' : 'rows'}`
      if (!('inDump' in one)) return `${table} (${count})`
      return `${table} (${count}, ${one.inDump === 0 ? 'none' : String(one.inDump)} in the dump)`
    })
    .join(', ')

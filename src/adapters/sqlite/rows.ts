import type { Cell, RowChoice, TableRows } from '../../drivers/databases.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { partsOfName } from '../../kernel/qualified-name.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Connection } from './connect.ts'
import type { NativeCell as Native } from './fingerprint.ts'
import type { QueryLimits } from './query.ts'
import { quoted, tablesOf } from './tables.ts'

const refused = (why: string, hint: string): RunbookError => new RunbookError('failed', why, { hint })

/** The stored columns and the primary key; `table_info` omits generated columns. */
function shapeOf(
  connection: Connection.Database,
  table: string,
): { readonly columns: readonly string[]; readonly key: readonly string[] } {
  if (!tablesOf(connection).includes(table))
    throw refused(`table ${shellWord(table)} not found`, `tables: ${tablesOf(connection).join(', ')}`)
  const info = connection.pragma(`main.table_info(${quoted(table)})`) as readonly {
    readonly name: string
    readonly pk: number
  }[]
  const key = info.filter(({ pk }) => pk > 0).map(({ name }) => name)
  if (key.length === 0)
    throw refused(
      `table ${shellWord(table)} has no primary key, so its rows cannot be identified`,
      'recover the rows by hand',
    )
  return { columns: info.map(({ name }) => name), key }
}

export function rows(
  connection: Connection.Database,
  choices: readonly RowChoice[],
  limits: QueryLimits,
): readonly TableRows[] {
  return connection.transaction(() => choices.map((choice) => chosen(connection, choice, limits)))()
}

/** A table has no schema here, so a dot or a quote is part of its name unless it is quoted. */
const nameOf = (table: string): string =>
  table.startsWith('"') && partsOfName(table).length === 1 ? (partsOfName(table)[0] ?? table) : table

/** More would not fit in memory. */
const mostValues = 100_000

export function values(
  connection: Connection.Database,
  { table: text, column }: Omit<RowChoice, 'value'>,
): readonly string[] {
  const table = tablesOf(connection).includes(text) ? text : nameOf(text)
  mustHaveColumn(shapeOf(connection, table).columns, table, column)
  const statement = connection.prepare(
    `SELECT DISTINCT ${quoted(column)} FROM main.${quoted(table)} WHERE ${quoted(column)} IS NOT NULL`,
  )
  const found: string[] = []
  for (const [value] of statement.raw().safeIntegers().iterate() as Iterable<readonly Native[]>) {
    if (Buffer.isBuffer(value))
      throw refused(`column ${shellWord(column)} of ${shellWord(table)} has binary values`, 'name the keys')
    if (found.length >= mostValues)
      throw refused(
        `column ${shellWord(column)} of ${shellWord(table)} has more than ${mostValues} values`,
        'name the keys, or restore the database instead',
      )
    found.push(String(value))
  }
  return found.sort()
}

function mustHaveColumn(columns: readonly string[], table: string, column: string): void {
  if (columns.includes(column)) return
  throw refused(
    `column ${shellWord(column)} not found in table ${shellWord(table)}`,
    `columns: ${columns.join(', ')}`,
  )
}

function chosen(
  connection: Connection.Database,
  { table: text, column, value }: RowChoice,
  limits: QueryLimits,
): TableRows {
  const table = tablesOf(connection).includes(text) ? text : nameOf(text)
  const { columns, key } = shapeOf(connection, table)
  mustHaveColumn(columns, table, column)
  const order = key.map(quoted).join(', ')
  const statement = connection.prepare(
    `SELECT ${columns.map(quoted).join(', ')} FROM main.${quoted(table)} WHERE ${quoted(column)} = ? ORDER BY ${order}`,
  )
  const found: (readonly Cell[])[] = []
  let bytes = 0
  for (const row of statement.raw().safeIntegers().iterate(value)) {
    const read = (row as readonly Native[]).map(cellOf)
    bytes += JSON.stringify(read).length
    if (found.length >= limits.rows || bytes > limits.bytes)
      throw refused(
        `more than ${limits.rows} rows or ${limits.bytes} bytes of ${shellWord(table)} match that ${shellWord(column)}`,
        'restore the database instead',
      )
    found.push(read)
  }
  return { table, columns, key, rows: found }
}

function cellOf(cell: Native): Cell {
  if (cell === null) return null
  if (typeof cell === 'bigint') return ['integer', cell.toString()]
  if (typeof cell === 'number') return ['real', String(cell)]
  return typeof cell === 'string' ? ['text', cell] : ['blob', Buffer.from(cell).toString('hex')]
}

function native(cell: Cell): Native {
  if (cell === null) return null
  const [kind, text] = cell
  if (kind === 'integer') return BigInt(text)
  if (kind === 'real') return Number(text)
  return kind === 'text' ? text : Buffer.from(text, 'hex')
}

export function insertRows(connection: Connection.Database, batch: readonly TableRows[]): void {
  connection.pragma('foreign_keys = ON')
  connection
    .transaction(() => {
      for (const { table, columns, rows: all } of batch) {
        const statement = connection.prepare(
          `INSERT INTO main.${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
        )
        for (const row of all) statement.run(row.map(native))
      }
    })
    .immediate()
}

/**
 * Foreign keys are off, since a cascade would delete rows outside the batch; dangling references are counted
 * instead.
 */
export function deleteRows(connection: Connection.Database, batch: readonly TableRows[]): void {
  connection.pragma('foreign_keys = OFF')
  const dangling = (): number => (connection.pragma('main.foreign_key_check') as readonly unknown[]).length
  connection
    .transaction(() => {
      const before = dangling()
      for (const { table, columns, key, rows: all } of batch.toReversed()) {
        const same = (names: readonly string[]): string =>
          names.map((name) => `${quoted(name)} IS ?`).join(' AND ')
        const remove = connection.prepare(`DELETE FROM main.${quoted(table)} WHERE ${same(columns)}`)
        const find = connection.prepare(`SELECT 1 FROM main.${quoted(table)} WHERE ${same(key)}`)
        for (const row of all) {
          if (remove.run(row.map(native)).changes > 0) continue
          if (find.get(key.map((name) => native(row[columns.indexOf(name)] ?? null))) !== undefined)
            throw refused(
              `a row of ${shellWord(table)} was changed since it was inserted`,
              'check the row, and delete it by hand if it is not needed',
            )
        }
      }
      if (dangling() > before)
        throw refused('other rows now reference rows that would be deleted', 'check: PRAGMA foreign_key_list')
    })
    .immediate()
}

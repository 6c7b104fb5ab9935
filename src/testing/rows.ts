import type { Cell, Database, RowChoice, TableRows } from '../drivers/databases.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sameJson, type Json, type JsonObject } from '../kernel/json.ts'
import type { FakeServer } from './fake-server.ts'
import type { Disk } from './disk.ts'
import { cellOf, columnsOf, dumpBytes, readDump, type FakeTables } from './fake-dump.ts'

const refused = (why: string): RunbookError =>
  new RunbookError('failed', why, { hint: 'check the tables of the test' })

function typedCell(value: Json | undefined): Cell {
  const cell = cellOf(value)
  if (cell === null) return null
  if (typeof cell === 'string') return ['text', cell]
  return [Number.isInteger(cell) ? 'integer' : 'real', String(cell)]
}

const valueOf = (cell: Cell | undefined): Json =>
  cell === null || cell === undefined
    ? null
    : cell[0] === 'text' || cell[0] === 'blob'
      ? cell[1]
      : Number(cell[1])

/**
 * Fake tables have the primary key `id`, and every column that any database of the server has for that table.
 */
export function rowsOf(
  { databases }: Pick<FakeServer, 'databases'>,
  tables: FakeTables,
  { table, column, value }: RowChoice,
): TableRows {
  const columns = [
    ...new Set(
      [tables, ...[...databases.values()].map((one) => one.tables)].flatMap((one) =>
        columnsOf(one[table] ?? []),
      ),
    ),
  ].sort()
  const all = tables[table]
  if (all === undefined) throw refused(`table ${table} not found`)
  if (!columns.includes(column)) throw refused(`column ${column} not found in table ${table}`)
  const rows = all.filter((row) => typedCell(row[column])?.[1] === value)
  return { table, columns, key: ['id'], rows: rows.map((row) => columns.map((name) => typedCell(row[name]))) }
}

/** Distinct values of a column of a fake table as text, sorted. */
export function valuesOf(tables: FakeTables, table: string, column: string): readonly string[] {
  const all = tables[table]
  if (all === undefined) throw refused(`table ${table} not found`)
  if (all.length > 0 && !columnsOf(all).includes(column))
    throw refused(`column ${column} not found in table ${table}`)
  return [...new Set(all.flatMap((row) => typedCell(row[column])?.[1] ?? []))].sort()
}

const objects = ({ columns, rows }: TableRows): readonly JsonObject[] =>
  rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, valueOf(row[index])])))
const alike = (one: JsonObject, other: JsonObject): boolean =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].every((name) =>
    sameJson(one[name] ?? null, other[name] ?? null),
  )

/**
 * The tables after the insert; the input does not change.
 * @throws RunbookError `failed` for a key that already exists
 */
export function withRows(tables: FakeTables, batch: readonly TableRows[]): FakeTables {
  return batch.reduce((result, part) => {
    const present = result[part.table] ?? []
    const more = objects(part)
    if (more.some((row) => present.some((one) => sameJson(one['id'] ?? null, row['id'] ?? null))))
      throw refused(`a row of ${part.table} with that key already exists`)
    return { ...result, [part.table]: [...present, ...more] }
  }, tables)
}

export function withoutRows(tables: FakeTables, batch: readonly TableRows[]): FakeTables {
  return batch.reduce((result, part) => {
    const removed = objects(part)
    const left = (result[part.table] ?? []).filter((one) => !removed.some((row) => alike(one, row)))
    if (removed.some((row) => left.some((one) => sameJson(one['id'] ?? null, row['id'] ?? null))))
      throw refused(`a row of ${part.table} was changed since it was inserted`)
    return { ...result, [part.table]: left }
  }, tables)
}

/** Writes the tables of a SQLite file on the in-memory disk that does not belong to a server. */
export function keepInFile(disk: Disk, database: Database, tables: FakeTables): void {
  if (database.engine === 'sqlite')
    disk.files.set(
      database.file,
      dumpBytes({ ...readDump(database.file, disk.files.get(database.file)), tables }),
    )
}

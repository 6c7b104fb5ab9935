import type { DatabaseObject } from '../../drivers/databases.ts'
import type { Connection } from './connect.ts'

/** Quotes an identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Names of the tables that hold rows, without SQLite's own. Virtual tables are omitted: their data is in
 * their shadow tables, which are included.
 */
export function tablesOf(connection: Connection.Database): readonly string[] {
  const list = connection.pragma('main.table_list') as readonly {
    readonly schema: string
    readonly name: string
    readonly type: string
  }[]
  return list
    .filter(
      ({ schema, name, type }) =>
        schema === 'main' && (type === 'table' || type === 'shadow') && !name.startsWith('sqlite_'),
    )
    .map(({ name }) => name)
    .sort()
}

/** Views, triggers and indexes, without those that SQLite makes for constraints. */
export function objectsOf(connection: Connection.Database): readonly DatabaseObject[] {
  const sql =
    "SELECT type, name, tbl_name AS of FROM main.sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL"
  const found = connection.prepare(sql).all() as readonly Record<'type' | 'name' | 'of', string>[]
  return found
    .map(({ type, name, of }) => ({
      title: `${type}: ${name}`,
      partOf: type === 'view' ? [] : [`table: ${of}`, `view: ${of}`],
    }))
    .sort(({ title: one }, { title: other }) => (one < other ? -1 : 1))
}

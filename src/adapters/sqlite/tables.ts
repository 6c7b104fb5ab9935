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

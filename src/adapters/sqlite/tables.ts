import type { Connection } from './connect.ts'

/** A name as SQL takes it, whatever is in it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Tables that hold rows, by name. Virtual tables are left out, for what they show lies in their shadow tables, which are here;
 * so are SQLite's own.
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

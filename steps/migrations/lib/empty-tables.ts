import {
  cannot,
  qualifiedName,
  RunbookError,
  sqlName,
  type Database,
  type Finding,
  type Io,
  type Look,
} from '../../../src/index.ts'

/**
 * Parses table names as an operator types them, parents first: `glossary,terms`.
 * @throws RunbookError `usage` for text that is not a table name
 */
export function tablesIn(text: string | null): readonly string[] {
  const names = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const invalid = names.find((name) => !/^[A-Za-z_]\w*$/.test(name))
  if (invalid !== undefined)
    throw new RunbookError('usage', `${JSON.stringify(invalid)} is not a table name`, {
      hint: 'write it as --empty glossary,terms',
    })
  return names
}

/** Selects the first column of a table's primary key, by which its rows are chosen. */
export const keyQuery = (engine: Database['engine'], table: string): string =>
  ({
    sqlite: `select name from pragma_table_info('${table}') where pk = 1`,
    postgres: `select a.attname as name, n.nspname as schema from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace where i.indisprimary and i.indrelid = to_regclass('"${table}"')`,
  })[engine]

/** The table with the schema in which the search path of the database finds it, and the column of its key. */
async function keyOf(
  look: Look,
  database: Database,
  name: string,
): Promise<{ readonly table: string; readonly column: string } | null> {
  const [row] = await look.databases.query(database, database.name, keyQuery(database.engine, name))
  if (row === undefined) return null
  const { schema } = row
  return {
    table: typeof schema === 'string' ? qualifiedName(schema, name) : name,
    column: String(row['name']),
  }
}

/** Finds tables that cannot be emptied while nothing is touched yet. */
export async function emptyable(
  look: Look,
  database: Database,
  text: string | null,
): Promise<readonly Finding[]> {
  const keys = await Promise.all(
    tablesIn(text).map(async (table) => ({ table, key: await keyOf(look, database, table) })),
  )
  return keys
    .filter(({ key }) => key === null)
    .map(({ table }) => ({
      level: 'refuse',
      about: table,
      problem: `table ${table} not found in ${database.name}, or it has no primary key`,
      hint: 'name the table whose rows the downgrade refuses to delete: --empty TABLE',
    }))
}

/** Deletes every row of these tables, in one transaction. */
export async function emptyTables(io: Io, database: Database, text: string | null): Promise<void> {
  const choices = []
  for (const name of tablesIn(text)) {
    const found = await keyOf(io, database, name)
    if (found === null)
      throw cannot(
        'empty',
        `table ${name} of ${database.name}`,
        'the table or its primary key no longer exists',
        { code: 'failed', hint: 'find out what changes the schema' },
      )
    const { table, column } = found
    const values = await io.databases.query(
      database,
      database.name,
      `select distinct cast("${column.replaceAll('"', '""')}" as text) as value from ${sqlName(table)}`,
    )
    choices.push(...values.map(({ value }) => ({ table, column, value: String(value) })))
    io.note(
      `deletes ${values.length} rows or groups of rows of ${table}; the backup taken just before has them`,
    )
  }
  if (choices.length > 0)
    await io.databases.deleteRows(database, await io.databases.rows(database, database.name, choices))
}

/** Adds what to type when a downgrade fails because it would delete data. */
export function withHint(thrown: unknown): unknown {
  if (!(thrown instanceof RunbookError) || !/\bdelet\w+ data\b/i.test(thrown.message)) return thrown
  return new RunbookError(thrown.code, thrown.message, {
    cause: thrown,
    hint: 'if those rows may be deleted (the backup keeps them): --empty TABLE',
  })
}

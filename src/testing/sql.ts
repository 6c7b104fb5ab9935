import Connection from 'better-sqlite3'
import type { JsonObject } from '../kernel/json.ts'
import { RunbookError } from '../kernel/errors.ts'
import { partsOfName } from '../kernel/qualified-name.ts'
import { cellOf, columnsOf, type FakeTables } from './fake-dump.ts'
import type { FakeServer } from './fake-server.ts'

type Column = string | number | null
type Table = {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Column[])[]
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Answers by question: a test that tries every moment of a runbook puts the same query to the same rows thousands of times. */
const answers = new Map<string, readonly JsonObject[]>()
/** Of a query that asks the time or for chance, the next answer may be another. */
const changing = /random|now|current_|date|time/i

/**
 * Answers a query by loading fake tables into an in-memory SQLite. It understands most of what a check after
 * a restore asks of any engine. For Postgres a table is in the schema of its name, `public` without one, and
 * `pg_catalog.pg_tables`, `information_schema.tables` and `information_schema.columns` list them.
 * @throws RunbookError `failed` for a query that is not read-only or that SQLite does not understand
 */
export function answerOf(
  sql: string,
  tables: FakeTables,
  engine: FakeServer['engine'],
): readonly JsonObject[] {
  if (changing.test(sql)) return askedOf(sql, tables, engine)
  const question = JSON.stringify([engine, sql, tables])
  const rows = answers.get(question) ?? askedOf(sql, tables, engine)
  answers.set(question, rows)
  return rows.map((row) => ({ ...row }))
}

function askedOf(sql: string, tables: FakeTables, engine: FakeServer['engine']): readonly JsonObject[] {
  const connection = new Connection(':memory:')
  try {
    const all = Object.entries(tables).map(([name, rows]) => tableOf(name, rows, engine))
    const catalogues = engine === 'postgres' && /\bpg_|\binformation_schema\b/i.test(sql) ? listing(all) : []
    lay(connection, [...all, ...catalogues])
    hideFromSearchPath(connection, all)
    const statement = connection.prepare(sql)
    if (!statement.readonly || !statement.reader)
      throw new RunbookError('failed', `query is not read-only: ${sql}`, { hint: 'write one SELECT' })
    return statement.all() as readonly JsonObject[]
  } catch (cause) {
    if (cause instanceof RunbookError) throw cause
    throw new RunbookError('failed', `cannot answer ${sql}`, {
      cause,
      hint: 'add the answer to `answers` of the fake server',
    })
  } finally {
    connection.close()
  }
}

function tableOf(title: string, rows: readonly JsonObject[], engine: FakeServer['engine']): Table {
  const [first = '', ...others] = engine === 'postgres' ? partsOfName(title) : [title]
  const columns = columnsOf(rows)
  return {
    schema: engine === 'sqlite' ? 'main' : others.length === 0 ? 'public' : first,
    name: others.length === 0 ? first : others.join('.'),
    columns: columns.length === 0 ? ['id'] : columns,
    rows: columns.length === 0 ? [] : rows.map((row) => columns.map((column) => cellOf(row[column]))),
  }
}

/** What the catalogues of Postgres say of these tables, and one of each of their own. */
function listing(all: readonly Table[]): readonly Table[] {
  const own = [
    { schema: 'pg_catalog', name: 'pg_class', columns: ['oid'] },
    { schema: 'information_schema', name: 'sql_features', columns: ['feature_id'] },
  ]
  const shown = [...all, ...own]
  return [
    {
      schema: 'pg_catalog',
      name: 'pg_tables',
      columns: ['schemaname', 'tablename'],
      rows: shown.map(({ schema, name }) => [schema, name]),
    },
    {
      schema: 'information_schema',
      name: 'tables',
      columns: ['table_schema', 'table_name', 'table_type'],
      rows: shown.map(({ schema, name }) => [schema, name, 'BASE TABLE']),
    },
    {
      schema: 'information_schema',
      name: 'columns',
      columns: ['table_schema', 'table_name', 'column_name'],
      rows: shown.flatMap(({ schema, name, columns }) => columns.map((column) => [schema, name, column])),
    },
  ]
}

function lay(connection: Connection.Database, tables: readonly Table[]): void {
  const attached = new Set(['main'])
  for (const { schema, name, columns, rows } of tables) {
    if (!attached.has(schema)) connection.exec(`ATTACH ':memory:' AS ${quoted(schema)}`)
    attached.add(schema)
    const table = `${quoted(schema)}.${quoted(name)}`
    connection.exec(`CREATE TABLE ${table} (${columns.map(quoted).join(', ')})`)
    const insert = connection.prepare(`INSERT INTO ${table} VALUES (${columns.map(() => '?').join(', ')})`)
    for (const row of rows) insert.run(row)
  }
}

/**
 * SQLite looks for a table without a schema in every one of them, Postgres only in `public`. A view in `main`, where it
 * looks first, makes such a query fail as it does there.
 */
function hideFromSearchPath(connection: Connection.Database, tables: readonly Table[]): void {
  const inPublic = new Set(tables.flatMap(({ schema, name }) => (schema === 'public' ? [name] : [])))
  const hidden = new Set(
    tables.flatMap(({ schema, name }) =>
      schema === 'main' || schema === 'public' || inPublic.has(name) ? [] : [name],
    ),
  )
  for (const name of hidden)
    connection.exec(
      `CREATE VIEW main.${quoted(name)} AS SELECT * FROM ${quoted(`${name} is not in the schema public`)}`,
    )
}

import type { Cell, Numbered, RowChoice, TableRows } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, type RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { partsOfName } from '../../kernel/qualified-name.ts'
import { records } from './server/psql.ts'
import { identifier, literal } from './server/quote.ts'
import type { Server } from './server/server.ts'
import { advanceScript, numberedSql } from './sequences.ts'

const limits = { rows: 1_000, bytes: 8 * 1024 * 1024 }

/** Pins how values are written and read back, so settings of a role cannot alter them. */
const pinned = `SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 3;
SET LOCAL bytea_output = 'hex'; SET LOCAL row_security = off; SET LOCAL statement_timeout = '60s';`

/** `schema.table`, or a table of `public`. */
export const qualified = (table: string): string => {
  const parts = partsOfName(table)
  const name = parts.at(-1) ?? table
  return `${identifier(parts.length > 1 ? parts.slice(0, -1).join('.') : 'public')}.${identifier(name)}`
}

const columnsOf = (each: string): string =>
  `FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ${each}`
const keyOf =
  'FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary'

/**
 * Selects the table's shape, then its rows; the query for the rows is built from the catalog in the same
 * session.
 */
const choiceScript = ({ table, column, value }: RowChoice): string => `
SELECT json_build_object('table', ${literal(table)},
  'columns', (SELECT json_agg(attname ORDER BY attnum) ${columnsOf('')}), 'key', (SELECT json_agg(a.attname ORDER BY a.attnum) ${keyOf}),
  'numbered', ${numberedSql('c.oid')})
FROM pg_class AS c WHERE c.oid = to_regclass(${literal(qualified(table))});
SELECT format('SELECT to_json(ARRAY[%s]) FROM %s AS t WHERE t.%I = %L ORDER BY %s LIMIT ${limits.rows + 1}',
  (SELECT string_agg(format('t.%I::text', attname), ', ' ORDER BY attnum) ${columnsOf('')}), c.oid::regclass, ${literal(column)}, ${literal(value)},
  (SELECT string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attnum) ${keyOf}))
FROM pg_class AS c WHERE c.oid = to_regclass(${literal(qualified(table))})
  AND EXISTS (SELECT ${columnsOf(`AND attname = ${literal(column)}`)}) AND EXISTS (SELECT ${keyOf}) \\gexec
`

export const rowsScript = (choices: readonly RowChoice[]): string =>
  `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; ${pinned}\n${choices.map(choiceScript).join('')}COMMIT;\n`

type Shape = Pick<TableRows, 'table' | 'key' | 'columns' | 'numbered'>

export async function rows(
  server: Server,
  name: string,
  choices: readonly RowChoice[],
  scope: Scope,
): Promise<readonly TableRows[]> {
  const doing = `read rows of ${choices.map(({ table }) => table).join(', ')} in database ${name}`
  const results = (await records(
    server,
    { database: name, doing, script: rowsScript(choices) },
    scope,
  )) as readonly (Shape | readonly (string | null)[])[]
  // Several choices may be of one table, so results are split by order.
  let from = 0
  return choices.map((choice) => {
    const answer = results.slice(from)
    const length = answer.findIndex((one, index) => index > 0 && 'table' in one)
    from += length < 0 ? answer.length : length
    return chosen(length < 0 ? answer : answer.slice(0, length), choice, name)
  })
}

function chosen(
  results: readonly (Shape | readonly (string | null)[])[],
  { table, column }: RowChoice,
  name: string,
): TableRows {
  const refused = (why: string, hint: string): RunbookError =>
    cannot('select rows of', `table ${table} in database ${name}`, why, { code: 'failed', hint })
  const [shape, ...rest] = results
  if (shape === undefined || !('table' in shape) || shape.table !== table)
    throw refused('table not found', 'check: psql \\dt')
  const { columns, key, numbered } = shape as {
    readonly columns: readonly string[]
    readonly key: readonly string[] | null
    readonly numbered: readonly Numbered[]
  }
  if (key === null)
    throw refused('no primary key, so its rows cannot be identified', 'recover the rows by hand')
  if (!columns.includes(column)) throw refused(`column ${column} not found`, `columns: ${columns.join(', ')}`)
  const found = rest as readonly (readonly (string | null)[])[]
  if (found.length > limits.rows || JSON.stringify(found).length > limits.bytes)
    throw refused(
      `more than ${limits.rows} rows or ${limits.bytes} bytes match that ${column}`,
      'restore the database instead',
    )
  return {
    table,
    columns,
    key,
    numbered,
    rows: found.map((row) => row.map((text): Cell => (text === null ? null : ['text', text]))),
  }
}

/** More would not fit in memory. */
const mostValues = 100_000

const valuesScript = ({ table, column }: Omit<RowChoice, 'value'>): string => `
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; ${pinned}
SELECT json_build_object('columns', (SELECT json_agg(attname ORDER BY attnum) ${columnsOf('')}))
FROM pg_class AS c WHERE c.oid = to_regclass(${literal(qualified(table))});
SELECT format('SELECT to_json(v) FROM (SELECT DISTINCT t.%1$I::text AS v FROM %2$s AS t WHERE t.%1$I IS NOT NULL LIMIT ${mostValues + 1}) AS d', ${literal(column)}, c.oid::regclass)
FROM pg_class AS c WHERE c.oid = to_regclass(${literal(qualified(table))}) AND EXISTS (SELECT ${columnsOf(`AND attname = ${literal(column)}`)}) \\gexec
COMMIT;
`

export async function values(
  server: Server,
  name: string,
  of: Omit<RowChoice, 'value'>,
  scope: Scope,
): Promise<readonly string[]> {
  const { table, column } = of
  const doing = `read the values of ${column} in table ${table} of database ${name}`
  const refused = (why: string, hint: string): RunbookError =>
    cannot('read', `the values of ${column} in table ${table} of database ${name}`, why, {
      code: 'failed',
      hint,
    })
  const [first, ...rest] = await records(server, { database: name, doing, script: valuesScript(of) }, scope)
  const shape = first as { readonly columns: readonly string[] } | undefined
  const found = rest as readonly string[]
  if (shape === undefined) throw refused('table not found', 'check: psql \\dt')
  if (!shape.columns.includes(column))
    throw refused('column not found', `columns: ${shape.columns.join(', ')}`)
  if (found.length > mostValues)
    throw refused(`more than ${mostValues}`, 'name the keys, or restore the database instead')
  return [...found].sort()
}

const constant = (cell: Cell): string => (cell === null ? 'NULL' : literal(cell[1]))

export function insertScript(batch: readonly TableRows[]): string {
  const inserts = batch.flatMap(({ table, columns, rows: all }) =>
    all.map(
      (row) =>
        `INSERT INTO ${qualified(table)} (${columns.map(identifier).join(', ')}) OVERRIDING SYSTEM VALUE VALUES (${row.map(constant).join(', ')});`,
    ),
  )
  const advances = batch.map((one) => advanceScript(qualified(one.table), one))
  return `BEGIN; ${pinned}\n${[...inserts, ...advances].join('\n')}\nCOMMIT;\n`
}

/**
 * Counts the tables a cascade could reach before and after; if more rows than the batch were deleted, all is
 * rolled back. Rows are compared by the text of each value.
 */
export function deleteScript(batch: readonly TableRows[]): string {
  const tables = batch.map(({ table }) => literal(qualified(table))).join(', ')
  const deletes = batch.toReversed().flatMap(({ table, columns, key, rows: all }) =>
    all.map((row) => {
      const same = (names: readonly string[]): string =>
        names
          .map(
            (name) =>
              `${identifier(name)}::text IS NOT DISTINCT FROM ${constant(row[columns.indexOf(name)] ?? null)}`,
          )
          .join(' AND ')
      return `DELETE FROM ${qualified(table)} WHERE ${same(columns)};
  GET DIAGNOSTICS n = ROW_COUNT; deleted := deleted + n;
  IF n = 0 AND EXISTS (SELECT FROM ${qualified(table)} WHERE ${same(key)}) THEN RAISE EXCEPTION 'a row of ${table.replaceAll(/[^\w.]/g, '?')} was changed since it was inserted'; END IF;`
    }),
  )
  return `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ; ${pinned}
DO ${literal(`#variable_conflict use_column
DECLARE n bigint; deleted bigint := 0; one record; had bigint := 0; has bigint := 0; reach oid[] := ARRAY(
  SELECT c::regclass::oid FROM unnest(ARRAY[${tables}]) AS c UNION SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT c::regclass::oid FROM unnest(ARRAY[${tables}]) AS c));
BEGIN
  IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('n', 'd') AND confrelid IN (SELECT c::regclass::oid FROM unnest(ARRAY[${tables}]) AS c))
    THEN RAISE EXCEPTION 'rows of another table would be changed by ON DELETE SET'; END IF;
  FOR one IN SELECT unnest(reach) AS t LOOP EXECUTE format('SELECT count(*) FROM %s', one.t::regclass) INTO n; had := had + n; END LOOP;
  ${deletes.join('\n  ')}
  FOR one IN SELECT unnest(reach) AS t LOOP EXECUTE format('SELECT count(*) FROM %s', one.t::regclass) INTO n; has := has + n; END LOOP;
  IF had - has <> deleted THEN RAISE EXCEPTION 'other rows now reference rows that would be deleted'; END IF;
END`)};
COMMIT;
`
}

async function applyScript(
  server: Server,
  doing: string,
  script: string,
  scope: Scope,
): Promise<readonly Json[]> {
  return records(
    server,
    { database: server.database.name, doing: `${doing} database ${server.database.name}`, script },
    scope,
  )
}

export async function insertRows(server: Server, batch: readonly TableRows[], scope: Scope): Promise<void> {
  await applyScript(server, 'insert rows into', insertScript(batch), scope)
}

export async function deleteRows(server: Server, batch: readonly TableRows[], scope: Scope): Promise<void> {
  await applyScript(server, 'delete rows from', deleteScript(batch), scope)
}

import { RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Scope } from '../../drivers/scope.ts'
import { records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** More rows would fill memory and the journal. */
export const mostRows = 1000
const seconds = 60

/**
 * The SQL is passed as a value, not as part of the script: a cursor takes one query that returns rows, so the
 * server itself refuses a second statement, a COMMIT, a psql command and any write.
 */
function queryScript(sql: string): string {
  const single = sql.trim().replace(/;$/, '')
  return `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL statement_timeout = '${seconds}s';
DO ${literal(`DECLARE answer refcursor := 'rb_answer'; BEGIN OPEN answer FOR EXECUTE ${literal(`SELECT row_to_json(q.*) FROM (${single}\n) AS q`)}; END`)};
FETCH ${mostRows + 1} FROM rb_answer;
COMMIT;
`
}

/**
 * @throws RunbookError `failed`: more than 1,000 rows, more than 60 s, not a single query, or one that writes
 */
export async function query(
  server: Server,
  name: string,
  sql: string,
  scope: Scope,
): Promise<readonly JsonObject[]> {
  const rows = await records(
    server,
    { database: name, doing: `query database ${name} "${shortened(sql)}"`, script: queryScript(sql) },
    scope,
  )
  if (rows.length > mostRows) {
    throw new RunbookError('failed', `query returned more than ${mostRows} rows: "${shortened(sql)}"`, {
      hint: 'add a LIMIT, or count in SQL',
    })
  }
  return rows as readonly JsonObject[]
}

function shortened(sql: string): string {
  const line = sql.replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}

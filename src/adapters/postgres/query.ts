import { RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Scope } from '../../drivers/scope.ts'
import { records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** More is no answer to a check, and would fill the memory and the journal. */
export const mostRows = 1000
const seconds = 60

/**
 * The text reaches the server as a value, never as a part of the script: a cursor takes one query that returns rows, so a second
 * statement, a COMMIT or a command of psql in it is refused by the server itself, and so is every write.
 */
function queryScript(sql: string): string {
  const single = sql.trim().replace(/;$/, '')
  return `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL statement_timeout = '${seconds}s';
DO ${literal(`DECLARE answer refcursor := 'rb_answer'; BEGIN OPEN answer FOR EXECUTE ${literal(`SELECT row_to_json(q) FROM (${single}\n) AS q`)}; END`)};
FETCH ${mostRows + 1} FROM rb_answer;
COMMIT;
`
}

/** @throws RunbookError `failed`: more than a thousand rows, more than a minute, no single query, or one that writes. */
export async function query(
  server: Server,
  name: string,
  sql: string,
  scope: Scope,
): Promise<readonly JsonObject[]> {
  const rows = await records(
    server,
    { database: name, doing: `ask the database ${name} "${shortened(sql)}"`, script: queryScript(sql) },
    scope,
  )
  if (rows.length > mostRows) {
    throw new RunbookError('failed', `"${shortened(sql)}" returned more than ${mostRows} rows`, {
      hint: 'add LIMIT, or count in SQL',
    })
  }
  return rows as readonly JsonObject[]
}

function shortened(sql: string): string {
  const line = sql.replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}

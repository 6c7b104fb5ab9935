import type { Json, JsonObject } from '../../kernel/json.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Connection } from './connect.ts'
import type { NativeCell } from './fingerprint.ts'

export type QueryLimits = { readonly rows: number; readonly bytes: number; readonly seconds: number }

/**
 * One statement that reads. An integer too large for JSON becomes its decimal text, a blob its hexadecimal text.
 * @throws RunbookError `failed`: not one reading statement, or more rows or bytes than allowed.
 */
export function query(
  connection: Connection.Database,
  sql: string,
  limits: QueryLimits,
): readonly JsonObject[] {
  const statement = connection.prepare(sql)
  if (!statement.readonly || !statement.reader) {
    throw new RunbookError('failed', `this query does not only read: ${sql}`, { hint: 'write one SELECT' })
  }
  const rows: JsonObject[] = []
  let bytes = 0
  for (const row of statement.safeIntegers().iterate()) {
    const read = Object.fromEntries(
      Object.entries(row as { readonly [column: string]: NativeCell }).map(([column, cell]) => [
        column,
        jsonOf(cell),
      ]),
    )
    bytes += JSON.stringify(read).length
    if (rows.length >= limits.rows || bytes > limits.bytes) {
      throw new RunbookError(
        'failed',
        `this query answers with more than ${limits.rows} rows or ${limits.bytes} bytes: ${sql}`,
        { hint: 'ask for a count, or add a LIMIT' },
      )
    }
    rows.push(read)
  }
  return rows
}

function jsonOf(cell: NativeCell): Json {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell.toString()
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : String(cell)
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : cell
}

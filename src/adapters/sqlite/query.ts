import type { Json, JsonObject } from '../../kernel/json.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Connection } from './connect.ts'
import type { NativeCell } from './fingerprint.ts'

export type QueryLimits = { readonly rows: number; readonly bytes: number; readonly seconds: number }

/**
 * Runs one read-only statement. An integer too large for JSON becomes decimal text, a blob hexadecimal text.
 * @throws RunbookError `failed`: not a single read-only statement, or more rows or bytes than allowed
 */
export function query(
  connection: Connection.Database,
  sql: string,
  limits: QueryLimits,
): readonly JsonObject[] {
  const statement = connection.prepare(sql)
  if (!statement.readonly || !statement.reader) {
    throw new RunbookError('failed', `query is not read-only: ${sql}`, { hint: 'write one SELECT' })
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
        `query returned more than ${limits.rows} rows or ${limits.bytes} bytes: ${sql}`,
        { hint: 'add a LIMIT, or count in SQL' },
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

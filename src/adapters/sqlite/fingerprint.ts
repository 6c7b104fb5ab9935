import { hash } from 'node:crypto'
import type { Fingerprint, SqliteDatabase, TableFingerprint } from '../../drivers/databases.ts'
import { digestOf, sha256 } from '../../kernel/json.ts'
import type { Connection } from './connect.ts'
import { quoted, tablesOf } from './tables.ts'

/** What a cell holds when integers are read as bigint: SQLite's five storage classes. */
export type NativeCell = null | bigint | number | string | Uint8Array

/** Row by row in one read transaction, so memory holds one row and other sessions see nothing of it. */
export function fingerprint(
  connection: Connection.Database,
  exact: SqliteDatabase['fingerprint'],
): Fingerprint {
  return connection.transaction(() => {
    const tables = tablesOf(connection).map((table) =>
      exact === 'rows' ? counted(connection, table) : digested(connection, table),
    )
    return { tables, digest: digestOf(tables) }
  })()
}

function counted(connection: Connection.Database, table: string): TableFingerprint {
  return {
    table,
    rows: connection
      .prepare(`SELECT count(*) FROM main.${quoted(table)}`)
      .pluck()
      .get() as number,
    digest: null,
  }
}

function digested(connection: Connection.Database, table: string): TableFingerprint {
  const statement = connection.prepare(`SELECT * FROM main.${quoted(table)}`)
  const columns = statement.columns().map(({ name }) => name)
  const bag = new MultisetDigest()
  for (const row of statement.raw().safeIntegers().iterate()) bag.add(encode(row as readonly NativeCell[]))
  return { table, rows: bag.count, digest: sha256(`${JSON.stringify(columns)} ${bag.count} ${bag.sum()}`) }
}

/**
 * A digest of rows in no order: the sum of their SHA-256s modulo 2^256. Equal rows count as often as they occur, which they would
 * not if digests were combined by exclusive or. It tells accidents apart; it is no defence against somebody who crafts rows.
 */
export class MultisetDigest {
  count = 0
  readonly #words = new Uint32Array(8)

  add(row: Uint8Array): void {
    const digest = hash('sha256', row, 'buffer')
    let carry = 0
    for (let index = 7; index >= 0; index -= 1) {
      const total = (this.#words[index] ?? 0) + digest.readUInt32BE(index * 4) + carry
      this.#words[index] = total
      carry = total > 0xffffffff ? 1 : 0
    }
    this.count += 1
  }

  sum(): string {
    return [...this.#words].map((word) => word.toString(16).padStart(8, '0')).join('')
  }
}

let scratch = Buffer.alloc(64 * 1024)

/** Unambiguous: each cell is its storage class, its length and its bytes, so 1, 1.0, '1' and x'31' differ, and so do ('a','bc') and ('ab','c'). */
export function encode(row: readonly NativeCell[]): Uint8Array {
  let used = 0
  const put = (kind: string, bytes: number, fill: (at: number) => void): void => {
    if (used + bytes + 5 > scratch.length) {
      const larger = Buffer.alloc(Math.max(scratch.length * 2, used + bytes + 5))
      scratch.copy(larger, 0, 0, used)
      scratch = larger
    }
    scratch.write(kind, used, 'latin1')
    scratch.writeUInt32BE(bytes, used + 1)
    fill(used + 5)
    used += 5 + bytes
  }
  for (const cell of row) {
    if (cell === null) put('n', 0, () => undefined)
    else if (typeof cell === 'bigint') put('i', 8, (at) => scratch.writeBigInt64BE(cell, at))
    else if (typeof cell === 'number') put('r', 8, (at) => scratch.writeDoubleBE(cell, at))
    else if (typeof cell === 'string') put('t', Buffer.byteLength(cell), (at) => scratch.write(cell, at))
    else put('b', cell.length, (at) => scratch.set(cell, at))
  }
  return scratch.subarray(0, used)
}

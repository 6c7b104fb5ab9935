import { hash } from 'node:crypto'
import type { Fingerprint, SqliteDatabase, TableFingerprint } from '../../drivers/databases.ts'
import { digestOf, sha256 } from '../../kernel/json.ts'
import type { Connection } from './connect.ts'
import { quoted, tablesOf } from './tables.ts'

/** A cell when integers are read as bigint: SQLite's five storage classes. */
export type NativeCell = null | bigint | number | string | Uint8Array

/** Reads row by row in one read transaction, so memory holds one row and other sessions are not blocked. */
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
  const digest = new MultisetDigest()
  for (const row of statement.raw().safeIntegers().iterate()) digest.add(encode(row as readonly NativeCell[]))
  return {
    table,
    rows: digest.count,
    digest: sha256(`${JSON.stringify(columns)} ${digest.count} ${digest.sum()}`),
  }
}

/**
 * A digest of rows in any order: the sum of their SHA-256s modulo 2^256. Unlike XOR, it counts equal rows. It
 * detects accidents, not deliberately crafted rows.
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

/**
 * Encodes each cell as storage class, length and bytes, so 1, 1.0, '1' and x'31' differ, as do ('a','bc') and
 * ('ab','c').
 */
export function encode(row: readonly NativeCell[]): Uint8Array {
  let used = 0
  const append = (kind: string, bytes: number, fill: (at: number) => void): void => {
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
    if (cell === null) append('n', 0, () => undefined)
    else if (typeof cell === 'bigint') append('i', 8, (at) => scratch.writeBigInt64BE(cell, at))
    else if (typeof cell === 'number') append('r', 8, (at) => scratch.writeDoubleBE(cell, at))
    else if (typeof cell === 'string') append('t', Buffer.byteLength(cell), (at) => scratch.write(cell, at))
    else append('b', cell.length, (at) => scratch.set(cell, at))
  }
  return scratch.subarray(0, used)
}

/** Fields of the 100-byte header of a SQLite database (sqlite.org/fileformat.html, section 1.3). */
export type Header = {
  readonly pageSize: number
  readonly journalMode: 'wal' | 'rollback'
  /** The minimum size of the file; null if an old writer did not maintain it. */
  readonly bytes: number | null
}

export const headerBytes = 100
const magic = Buffer.from('SQLite format 3\0')

/** Null if it is not a SQLite database. */
export function readHeader(start: Uint8Array): Header | null {
  const head = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  if (head.length < headerBytes || !head.subarray(0, magic.length).equals(magic)) return null
  const stored = head.readUInt16BE(16)
  const pageSize = stored === 1 ? 65_536 : stored
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return null
  const pages = head.readUInt32BE(28)
  // Writers before 3.7.0 do not update the page count: it is valid only if written together with the change
  // counter.
  const kept = pages > 0 && head.readUInt32BE(24) === head.readUInt32BE(92)
  return {
    pageSize,
    journalMode: head[18] === 2 || head[19] === 2 ? 'wal' : 'rollback',
    bytes: kept ? pages * pageSize : null,
  }
}

/** What a file that is not a SQLite database seems to be, for the hint. */
export function otherKind(start: Uint8Array): 'gzip' | 'zstd' | 'encrypted' | 'pg_dump' | 'text' | null {
  const head = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  if (head.length === 0) return null
  if (head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) return 'gzip'
  if (head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return 'zstd'
  if (head.subarray(0, 5).toString('latin1') === 'PGDMP') return 'pg_dump'
  // The packets that start a symmetrically or publicly encrypted OpenPGP message (RFC 9580, section 4.2).
  if ([0x85, 0x84, 0x8c, 0xc1, 0xc3].includes(head[0] ?? 0)) return 'encrypted'
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) ? 'text' : null
}

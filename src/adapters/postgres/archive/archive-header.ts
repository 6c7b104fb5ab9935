import { emptyHint, emptyInside, failureHint, failureInside } from '../../../formats/empty-backup.ts'
import { ArchiveCursor } from './archive-cursor.ts'

/** The header of a custom-format archive, before its table of contents. */
export type ArchiveHeader = {
  /** Version of the archive format, such as `1.14.0`. */
  readonly version: string
  readonly minor: number
  /** Bytes of a file offset. */
  readonly offsetSize: number
  /**
   * Whether its data has check values: only with gzip. `-Z0`, and zstd and lz4 as pg_dump writes them, have
   * none, so only a checksum of the file can detect a flipped bit.
   */
  readonly checked: boolean
  /** ISO 8601. The header holds the local time of the dumping machine without a zone; it is read as UTC. */
  readonly takenAt: string
  readonly database: string
  /** As reported by the dumped server: `17.11 (Debian 17.11-1)`. */
  readonly serverVersion: string
  readonly dumpedBy: string
}

export type NotAnArchive = { readonly refused: string; readonly hint: string }

/** How many bytes from the start `readHeader` needs, or the complete file if it is shorter. */
export const headerBytes = 4096

/**
 * Reads the fixed part of `pg_dump -Fc` (ReadHead() in PostgreSQL's pg_backup_archiver.c; format versions
 * 1.12 to 1.16, servers 9.0 to 18). `pg_restore --list` would convert the time to the zone and daylight
 * saving of the reader.
 */
export function readHeader(start: Uint8Array): ArchiveHeader | NotAnArchive {
  if (Buffer.from(start.subarray(0, 5)).toString('latin1') !== 'PGDMP') return otherKind(start)
  try {
    return readHeaderAt(new ArchiveCursor(start))
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    return { refused: 'its header is truncated or damaged', hint: 'choose another dump' }
  }
}

/** pg_dump -Fc; or the `toc.dat` of -Ft and of -Fd, which calls itself tar too (_CloseArchive() of pg_backup_directory.c). */
export type ArchiveKind = 'custom' | 'members'

/**
 * Reads the header and leaves the cursor behind it, where the table of contents begins.
 * @throws RangeError past the end
 */
export function readHeaderAt(
  cursor: ArchiveCursor,
  kind: ArchiveKind = 'custom',
): ArchiveHeader | NotAnArchive {
  cursor.skip('PGDMP'.length)
  const [major, minor, revision] = [cursor.byte(), cursor.byte(), cursor.byte()]
  const version = `${major}.${minor}.${revision}`
  if (major !== 1 || minor < 12 || minor > 99)
    return { refused: `unknown format version ${version}`, hint: 'choose another dump' }
  cursor.intSize = cursor.byte()
  const offsetSize = cursor.byte()
  const format = cursor.byte()
  if (format !== formatNumbers[kind])
    return format === formatNumbers.members
      ? { refused: 'it is only the table of contents of a directory dump', hint: 'pack its folder with tar' }
      : { refused: `unknown kind of archive ${format}`, hint: 'choose another dump' }
  const checked = minor >= 15 ? cursor.byte() === gzipAlgorithm : cursor.int() !== 0
  const [second, minute, hour, day, month, year] = [
    cursor.int(),
    cursor.int(),
    cursor.int(),
    cursor.int(),
    cursor.int(),
    cursor.int(),
  ]
  cursor.int()
  const takenAt = new Date(Date.UTC(1900 + year, month, day, hour, minute, second))
  if (Number.isNaN(takenAt.getTime())) throw new RangeError('invalid time')
  return {
    version,
    minor,
    offsetSize,
    checked,
    takenAt: takenAt.toISOString(),
    database: cursor.text(),
    serverVersion: cursor.text(),
    dumpedBy: cursor.text(),
  }
}

/** ArchiveFormat of pg_backup.h. */
export const formatNumbers: { readonly [kind in ArchiveKind]: number } = { custom: 1, members: 3 }
/** Where the format is, and the compression behind it. */
export const formatAt = 10
/** Up to format 1.14 this field is a compression level, and gzip is the only algorithm. */
const gzipAlgorithm = 1

function otherKind(start: Uint8Array): NotAnArchive {
  if (start.length === 0) return { refused: emptyInside, hint: emptyHint }
  const failure = failureInside(start)
  if (failure !== null) return { refused: `it is not a dump, but a message: ${failure}`, hint: failureHint }
  const text = Buffer.from(start).toString('latin1')
  if (text.startsWith('SQLite format 3'))
    return { refused: 'it is a SQLite database', hint: 'choose a PostgreSQL dump' }
  return {
    refused: 'it is not a dump of PostgreSQL: neither pg_dump -Fc nor plain SQL of pg_dump or pg_dumpall',
    hint: 'dump with pg_dump -Fc',
  }
}

/** `17` of `17.11 (Debian 17.11-1)`, `18beta1` and `9.6.24` alike; NaN of anything else. */
export const majorOf = (version: string): number => Number.parseInt(version, 10)

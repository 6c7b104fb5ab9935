import { ArchiveCursor } from '../archive/archive-cursor.ts'
import { formatAt, formatNumbers, type NotAnArchive } from '../archive/archive-header.ts'
import { knownHeaderAt, rawEntryAt } from '../archive/table-of-contents.ts'

/** A block of data of the archive, and the member that it is in. */
export type MemberBlock = {
  readonly id: number
  /** `large objects`: the member lists them, and each has a member of its own. */
  readonly of: 'table' | 'large objects'
  /** The one that there is. */
  readonly members: readonly string[]
  /** Rows for COPY, behind which pg_dump writes an end mark. */
  readonly copied: boolean
}

export type CustomFront = {
  /** Header and table of contents as in pg_dump -Fc without compression. */
  readonly bytes: Buffer
  readonly blocks: readonly MemberBlock[]
  /** A number of the archive; a sign byte, then little-endian. */
  int(value: number): Buffer
}

const damaged: NotAnArchive = {
  refused: 'its table of contents is truncated or damaged',
  hint: 'choose another dump',
}

/** _PrintTocData() of pg_backup_custom.c looks for the blocks of entries with the first state. */
const [notPositioned, withoutData] = [1, 3]

/**
 * The `toc.dat` of pg_dump -Ft or -Fd, as the start of a dump in custom format. They differ in the number of the format,
 * in the compression, and in what follows each entry: the name of a member instead of a position
 * (_WriteExtraToc() of pg_backup_tar.c, pg_backup_directory.c and pg_backup_custom.c).
 */
export function customFrontOf(toc: Buffer): CustomFront | NotAnArchive {
  try {
    return frontOf(toc)
  } catch (thrown) {
    if (thrown instanceof RangeError) return damaged
    throw thrown
  }
}

function frontOf(toc: Buffer): CustomFront | NotAnArchive {
  const cursor = new ArchiveCursor(toc)
  if (toc.toString('latin1', 0, 5) !== 'PGDMP') return damaged
  const header = knownHeaderAt(cursor, 'members')
  if ('refused' in header) return header
  const { intSize } = cursor
  const count = cursor.int()
  const front = Buffer.from(toc.subarray(0, cursor.at))
  front.writeUInt8(formatNumbers.custom, formatAt)
  front.fill(0, formatAt + 1, formatAt + 1 + (header.minor >= 15 ? 1 : 1 + intSize))
  const parts: Buffer[] = [front]
  const blocks: MemberBlock[] = []
  for (let number = 0; number < count; number++) {
    const start = cursor.at
    const { id, kind, hasData, copying } = rawEntryAt(cursor, header)
    parts.push(
      toc.subarray(start, cursor.at),
      Buffer.from([hasData ? notPositioned : withoutData]),
      Buffer.alloc(header.offsetSize),
    )
    const member = cursor.text()
    if (!hasData) continue
    if (!/^(?:\d+\.dat|blobs(?:_\d+)?\.toc)$/.test(member)) return damaged
    blocks.push(
      kind?.toString('latin1').startsWith('BLOB')
        ? // -Ft names another file than the one that it writes; before 17 there was one for all.
          { id, of: 'large objects', members: [`blobs_${id}.toc`, 'blobs.toc'], copied: false }
        : { id, of: 'table', members: [member], copied: (copying?.length ?? 0) > 0 },
    )
  }
  if (cursor.at !== toc.length) return damaged
  const int = (value: number): Buffer => {
    const bytes = Buffer.alloc(1 + intSize)
    bytes.writeUIntLE(value, 1, Math.min(intSize, 6))
    return bytes
  }
  return { bytes: Buffer.concat(parts), blocks, int }
}

/** The lines `OID FILE` of a list of large objects; null where it is none. */
export function largeObjectsIn(
  list: string,
): readonly { readonly oid: number; readonly member: string }[] | null {
  const lines = list.split('\n')
  if (lines.pop() !== '') return null
  const found = lines.map((line) => /^(\d+) (blob_(\d+)\.dat)$/.exec(line))
  if (found.some((one) => one === null || one[1] !== one[3])) return null
  return found.flatMap((one) => (one === null ? [] : [{ oid: Number(one[1]), member: one[2] ?? '' }]))
}

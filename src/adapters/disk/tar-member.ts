import { Header, Pax } from 'tar'
import { blockBytes } from './tar-header.ts'

/** A member to be written to an archive. */
export type PackedMember = {
  readonly kind: 'file' | 'folder'
  /** The name in the archive: `./src/app.ts`, `.codex-api/logs/`. */
  readonly name: string
  readonly bytes: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modified: Date
}

/** The blocks before a member's content; a pax header only for a long name or a large number. */
export function memberHeader({ kind, name, bytes, mode, uid, gid, modified }: PackedMember): Buffer {
  const data = {
    path: name,
    mode,
    uid,
    gid,
    size: bytes,
    mtime: modified,
    type: kind === 'file' ? 'File' : 'Directory',
  } as const
  const header = new Header(data)
  if (!header.encode()) return blockOf(header)
  // Only what the plain header cannot hold, so that the bytes depend on the member alone.
  const extended = new Pax({
    path: name,
    ...(bytes > largestOctal ? { size: bytes } : {}),
    ...(uid > largestId ? { uid } : {}),
    ...(gid > largestId ? { gid } : {}),
  })
  return Buffer.concat([extended.encode(), blockOf(header)])
}

// The largest numbers of eleven and seven octal digits.
const largestOctal = 0o77777777777
const largestId = 0o7777777

function blockOf({ block }: Header): Buffer {
  if (block === undefined) throw new TypeError('a header without its block')
  return block
}

/** Zeros that complete a member's last block. */
export const padding = (bytes: number): Buffer =>
  Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes)

/**
 * tar writes records of twenty blocks, and at least two blocks of zeros at the end.
 * @param written bytes so far
 */
export function endMark(written: number): Buffer {
  const record = 20 * blockBytes
  return Buffer.alloc(Math.ceil((written + 2 * blockBytes) / record) * record - written)
}

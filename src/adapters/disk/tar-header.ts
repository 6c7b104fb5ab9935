import { sanitize } from '../../kernel/sanitize.ts'

/** The reason why an archive is refused; printed after "FILE is refused: ". */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused'
  readonly hint: string | undefined

  constructor(why: string, hint?: string) {
    super(why)
    this.hint = hint
  }
}

/** One header block as in POSIX (pax(1), ustar) and the GNU manual, without any correction. */
export type Header = {
  readonly name: string
  /** The type flag: `0` file, `5` folder, `2` symbolic link, `x` extended header of the next member, … */
  readonly type: string
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970. */
  readonly modified: number
}

export const blockBytes = 512

/** Quotes a member's name for a message: control and invisible characters escaped, length limited. */
export const quoted = (name: string): string =>
  sanitize(JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name))

/** Null for a block of zeros. @throws ArchiveRefused for a block that programs would read differently */
export function headerOf(block: Buffer): Header | null {
  if (block.every((byte) => byte === 0)) return null
  // The checksum counts its own field as spaces.
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0)
  if (!isOctal(block.subarray(148, 156)) || number(block, 148, 8, 'checksum') !== sum) {
    throw new ArchiveRefused('checksum mismatch in a header: it is damaged, or not a tar archive')
  }
  const magic = block.toString('latin1', 257, 265)
  if (!['ustar\u000000', 'ustar  \0', '\0\0\0\0\0\0\0\0'].includes(magic))
    throw new ArchiveRefused(`unknown kind of header: ${quoted(magic)}`)
  const prefix = magic === 'ustar\u000000' ? prefixOf(block) : ''
  const name = text(block, 0, 100, 'name')
  const flag = String.fromCharCode(block[156] ?? 0)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: flag === '\0' ? '0' : flag,
    size: number(block, 124, 12, 'size'),
    mode: number(block, 100, 8, 'mode'),
    uid: number(block, 108, 8, 'owner'),
    gid: number(block, 116, 8, 'group'),
    modified: number(block, 136, 12, 'time'),
  }
}

/**
 * node-tar and star shorten the prefix and store atime and ctime after it, which are ignored here. Every
 * reader ends the prefix at its first NUL, so all agree on the name.
 */
function prefixOf(block: Buffer): string {
  const times = block[475] === 0 && isOctal(block.subarray(476, 488)) && isOctal(block.subarray(488, 500))
  return text(block, 345, times ? 131 : 155, 'name')
}

/** Ends at the first NUL; bytes hidden behind it would be read by some programs only. */
function text(block: Buffer, start: number, length: number, what: string): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  if (end >= 0 && field.subarray(end).some((byte) => byte !== 0))
    throw new ArchiveRefused(`a header hides bytes after the end of its ${what}`)
  return utf8(end < 0 ? field : field.subarray(0, end), what)
}

export function utf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ArchiveRefused(`a ${what} is not valid UTF-8: ${quoted(Buffer.from(bytes).toString('latin1'))}`)
  }
}

/** Octal digits between spaces and NULs; empty counts as 0. */
const isOctal = (field: Buffer): boolean => /^ *[0-7]*[ \0]*$/.test(field.toString('latin1'))

/** Octal text, or a binary number marked by its first bit (GNU, for numbers too large for octal). */
function number(block: Buffer, start: number, length: number, what: string): number {
  const field = block.subarray(start, start + length)
  const [first = 0] = field
  if (first < 0x80) {
    if (!isOctal(field))
      throw new ArchiveRefused(
        `a header has a ${what} that is not a number: ${quoted(field.toString('latin1'))}`,
      )
    return Number.parseInt(`0${field.toString('latin1').replaceAll(/[ \0]/g, '')}`, 8)
  }
  const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f)
  if (first !== 0x80 || !Number.isSafeInteger(value))
    throw new ArchiveRefused(`a header has a negative or too large ${what}`)
  return value
}

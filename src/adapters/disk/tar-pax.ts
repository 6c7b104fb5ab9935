import { ArchiveRefused, quoted, utf8 } from './tar-header.ts'

/** Fields of an extended header (pax(1), type `x`) that override those of the next header. */
export type Override = {
  readonly path?: string
  readonly size?: number
  readonly uid?: number
  readonly gid?: number
  readonly modified?: number
}

// Attributes that are ignored, and do not affect what is written where.
const ignored =
  /^(?:atime|ctime|uname|gname|comment|charset|hdrcharset|SCHILY\.(?:dev|ino|nlink|fflags|acl\..*|xattr\..*)|LIBARCHIVE\..*|RHT\..*)$/

/**
 * Records of the form `LENGTH KEY=VALUE\n`.
 * @throws ArchiveRefused for sparse files, which node-tar would unpack as garbage, for unknown keys, and for
 *   malformed records
 */
export function overrideOf(body: Buffer): Override {
  const override: { -readonly [K in keyof Override]: Override[K] } = {}
  const seen = new Set<string>()
  for (const [key, value] of records(body)) {
    if (seen.has(key)) throw new ArchiveRefused(`an extended header has ${quoted(key)} twice`)
    seen.add(key)
    if (key.startsWith('GNU.sparse.') || key === 'SCHILY.realsize') {
      throw new ArchiveRefused(
        'it holds a sparse file, which is not supported',
        'pack it again without --sparse',
      )
    }
    if (key === 'path') override.path = utf8(value, 'name')
    else if (key === 'size') override.size = integer(key, value)
    else if (key === 'uid') override.uid = integer(key, value)
    else if (key === 'gid') override.gid = integer(key, value)
    else if (key === 'mtime') override.modified = seconds(key, value)
    // Links are refused by type, so the target does not matter.
    else if (key !== 'linkpath' && !ignored.test(key))
      throw new ArchiveRefused(`an extended header has the unknown key ${quoted(key)}`)
  }
  return override
}

/** A global header (type `g`), as git archive writes: only a comment is allowed. */
export function refuseGlobal(body: Buffer): void {
  for (const [key] of records(body)) {
    if (!['comment', 'charset', 'hdrcharset'].includes(key))
      throw new ArchiveRefused(`a global header sets ${quoted(key)} for all members`)
  }
}

function* records(body: Buffer): Generator<readonly [string, Buffer]> {
  const odd = new ArchiveRefused('an extended header is malformed')
  for (let start = 0; start < body.length;) {
    const space = body.indexOf(' ', start)
    const digits = space < 0 ? '' : body.toString('latin1', start, space)
    const end = /^[1-9]\d{0,8}$/.test(digits) ? start + Number(digits) : Infinity
    const equals = body.indexOf('=', space)
    if (end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a) throw odd
    yield [body.toString('latin1', space + 1, equals), body.subarray(equals + 1, end - 1)]
    start = end
  }
}

function integer(key: string, value: Buffer): number {
  const number = /^\d+$/.test(value.toString('latin1')) ? Number(value.toString('latin1')) : Number.NaN
  if (!Number.isSafeInteger(number))
    throw new ArchiveRefused(`an extended header has an invalid ${key}:  ${quoted(value.toString('latin1'))}`)
  return number
}

function seconds(key: string, value: Buffer): number {
  const text = value.toString('latin1')
  if (!/^-?\d{1,12}(?:\.\d*)?$/.test(text))
    throw new ArchiveRefused(`an extended header has an invalid ${key}:  ${quoted(text)}`)
  return Number(text)
}

import type { ArchiveFacts, ArchiveLimits } from '../../drivers/archives.ts'
import { ArchiveRefused, quoted, type Header } from './tar-header.ts'

/** A member that may be written. */
export type Member = {
  readonly kind: 'file' | 'folder'
  /** Relative, without `.` and empty parts; empty for the top folder itself. */
  readonly path: string
  readonly bytes: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modified: Date
}

const refusedTypes: { readonly [flag: string]: string } = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a pipe',
  '7': 'a contiguous file',
  D: 'a folder of an incremental backup (tar --listed-incremental)',
  M: 'a part of a file from another volume (tar --multi-volume)',
  S: 'a sparse file',
  V: 'a volume label (tar --label)',
}

/** How to make an archive without such members, by their type. */
const packedWithout: { readonly [flag: string]: string } = {
  '1': 'pack it again with what its links point to (tar --dereference --hard-dereference)',
  '2': 'pack it again with what its links point to (tar --dereference --hard-dereference)',
  '6': 'pack it again without it (tar --exclude)',
  D: 'use an archive made without --listed-incremental (-g): an incremental one is not a complete backup',
  S: 'pack it again without --sparse (-S)',
  V: 'pack it again without --label (-V)',
}

// Linux: NAME_MAX and PATH_MAX (limits.h), and the largest user id (the next one means "unchanged").
const longestPart = 255
const longestPath = 4095
const largestId = 2 ** 32 - 2
const setIdBits = 0o6000

/** Checks members one by one, by name, kind and number, and keeps the state this requires. */
export class Members {
  readonly #limits: ArchiveLimits
  readonly #kinds = new Map<string, Member['kind']>()
  /** Paths as written, by their normal form, where these differ. */
  readonly #written = new Map<string, string>()
  readonly #tops = new Map<string, Member['kind']>()
  #count = 0
  #bytes = 0
  #root = false

  constructor(limits: ArchiveLimits) {
    this.#limits = limits
  }

  /** @throws ArchiveRefused */
  admit(header: Header): Member {
    const name = quoted(header.name)
    if (header.type !== '0' && header.type !== '5') {
      throw new ArchiveRefused(
        `${name} is ${refusedTypes[header.type] ?? `of an unknown type, ${quoted(header.type)}`}`,
        packedWithout[header.type],
      )
    }
    const kind = header.type === '0' ? 'file' : 'folder'
    const path = pathOf(header.name)
    if ((header.mode & setIdBits) !== 0)
      throw new ArchiveRefused(`${name} runs as its owner or group (mode ${header.mode.toString(8)})`)
    if (header.uid > largestId || header.gid > largestId)
      throw new ArchiveRefused(`${name} belongs to an impossible user or group`)
    const modified = new Date(header.modified * 1000)
    if (Number.isNaN(modified.getTime())) throw new ArchiveRefused(`${name} has an impossible time`)
    this.#enter(name, path, kind)
    this.#bytes += header.size
    const { maxMembers, maxBytes } = this.#limits
    if (path !== '' && ++this.#count > maxMembers)
      throw new ArchiveRefused(`it has more members than allowed (${maxMembers})`)
    if (this.#bytes > maxBytes)
      throw new ArchiveRefused(`its unpacked size is more than the ${maxBytes} bytes allowed`)
    return {
      kind,
      path,
      bytes: header.size,
      mode: header.mode & 0o1777,
      uid: header.uid,
      gid: header.gid,
      modified,
    }
  }

  #enter(name: string, path: string, kind: Member['kind']): void {
    if (path === '') {
      if (kind === 'file' || this.#root)
        throw new ArchiveRefused(
          `${name} is the top folder${this.#root ? ' and occurs twice' : ' but a file'}`,
        )
      this.#root = true
      return
    }
    const parts = path.split('/')
    if (parts.length > this.#limits.maxDepth)
      throw new ArchiveRefused(`${name} is deeper than the ${this.#limits.maxDepth} folders allowed`)
    for (let depth = 1; depth < parts.length; depth++) {
      // A file system may treat different Unicode forms of a name as equal: é has two.
      const parent = parts.slice(0, depth).join('/').normalize('NFC')
      if (this.#kinds.get(parent) === 'file') throw new ArchiveRefused(`${name} is below a file`)
      this.#kinds.set(parent, 'folder')
    }
    const key = path.normalize('NFC')
    const earlier = this.#kinds.get(key)
    const before = this.#written.get(key) ?? key
    if (earlier !== undefined && before !== path)
      throw new ArchiveRefused(
        `${name} and ${quoted(before)} look the same: they differ only in the form of a Unicode character (${bytesOf(path)}, ${bytesOf(before)}), and some systems keep one of them`,
        'rename one of them, or exclude it',
      )
    if (key !== path) this.#written.set(key, path)
    if (earlier !== undefined && (earlier === 'file' || kind === 'file'))
      throw new ArchiveRefused(`${name} occurs twice`)
    this.#kinds.set(key, kind)
    this.#tops.set(parts[0] ?? '', parts.length > 1 ? 'folder' : kind)
  }

  /** @throws ArchiveRefused for an empty archive: no backup is empty */
  facts(): ArchiveFacts {
    if (this.#count === 0) throw new ArchiveRefused('it is empty')
    // macOS packs the attributes of a folder as a file beside it (AppleDouble).
    const [top, ...others] = [...this.#tops].filter(
      ([name, kind]) => kind !== 'file' || !name.startsWith('._') || !this.#tops.has(name.slice(2)),
    )
    const single = others.length === 0 && top?.[1] === 'folder'
    return { members: this.#count, bytes: this.#bytes, top: single ? top[0] : null }
  }
}

/** The bytes of the characters of a name that are not ASCII, as hex. */
const bytesOf = (path: string): string =>
  [...path]
    .filter((one) => one > '\u007f' || /\p{M}/u.test(one))
    .map((one) => Buffer.from(one).toString('hex'))
    .join(' ') || 'ASCII'

function pathOf(name: string): string {
  const refuse = (why: string): never => {
    throw new ArchiveRefused(`${quoted(name)} ${why}`)
  }
  if (name === '') refuse('is not a valid name')
  if (/\p{Cc}/u.test(name)) refuse('has control characters in its name')
  // They make a name read as another one: bidirectional overrides and isolates, and line separators.
  if (/[\u202a-\u202e\u2066-\u2069\u2028\u2029]/u.test(name))
    refuse('has characters in its name that change how text around them is shown')
  if (name.includes('\\') || /^[A-Za-z]:/.test(name)) refuse('is a name that other systems treat as a path')
  if (name.startsWith('/')) refuse('is an absolute path')
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) refuse('points outside its folder')
  if (parts.some((part) => Buffer.byteLength(part) > longestPart) || Buffer.byteLength(name) > longestPath)
    refuse('is too long a name')
  return parts.join('/')
}

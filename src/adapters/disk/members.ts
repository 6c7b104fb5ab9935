import type { ArchiveFacts, ArchiveLimits } from '../../drivers/archives.ts'
import { ArchiveRefused, quoted, type Header } from './tar-header.ts'

/** A member that may be written. */
export type Member = {
  readonly kind: 'file' | 'folder'
  /** Relative, without `.` and empty parts; empty for the folder that the archive was made of. */
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
  S: 'a sparse file',
}

// Linux: NAME_MAX and PATH_MAX (limits.h), and the largest user id (the one above means "leave it").
const longestPart = 255
const longestPath = 4095
const largestId = 2 ** 32 - 2
const setIdBits = 0o6000

/** Judges members one after another, by name, kind and number, and remembers what it must to do so. */
export class Members {
  readonly #limits: ArchiveLimits
  readonly #kinds = new Map<string, Member['kind']>()
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
      const hint = '12'.includes(header.type)
        ? 'pack it again with what its links point to (tar --dereference --hard-dereference)'
        : undefined
      throw new ArchiveRefused(
        `${name} is ${refusedTypes[header.type] ?? `of an unknown type, ${quoted(header.type)}`}`,
        hint,
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
      throw new ArchiveRefused(`it has more than the ${maxMembers} members that are allowed`)
    if (this.#bytes > maxBytes)
      throw new ArchiveRefused(`unpacked it has more than the ${maxBytes} bytes that are allowed`)
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
          `${name} stands for the whole archive${this.#root ? ', twice' : ', and is a file'}`,
        )
      this.#root = true
      return
    }
    const parts = path.split('/')
    if (parts.length > this.#limits.maxDepth)
      throw new ArchiveRefused(
        `${name} lies deeper than the ${this.#limits.maxDepth} folders that are allowed`,
      )
    for (let depth = 1; depth < parts.length; depth++) {
      // Names that a file system may take for the same are the same: é has two spellings in Unicode.
      const parent = parts.slice(0, depth).join('/').normalize('NFC')
      if (this.#kinds.get(parent) === 'file') throw new ArchiveRefused(`${name} lies below a file`)
      this.#kinds.set(parent, 'folder')
    }
    const key = path.normalize('NFC')
    const earlier = this.#kinds.get(key)
    if (earlier !== undefined && (earlier === 'file' || kind === 'file'))
      throw new ArchiveRefused(`${name} stands in it twice`)
    this.#kinds.set(key, kind)
    this.#tops.set(parts[0] ?? '', parts.length > 1 ? 'folder' : kind)
  }

  /** @throws ArchiveRefused for an archive of nothing: no backup is empty. */
  facts(): ArchiveFacts {
    if (this.#count === 0) throw new ArchiveRefused('there is nothing in it')
    const [top] = [...this.#tops]
    const single = this.#tops.size === 1 && top?.[1] === 'folder'
    return { members: this.#count, bytes: this.#bytes, top: single ? top[0] : null }
  }
}

function pathOf(name: string): string {
  const refuse = (why: string): never => {
    throw new ArchiveRefused(`${quoted(name)} ${why}`)
  }
  if (name === '') refuse('is no name')
  if (/\p{Cc}/u.test(name)) refuse('has control characters in its name')
  if (name.includes('\\') || /^[A-Za-z]:/.test(name))
    refuse('is a name that other systems read as a path of theirs')
  if (name.startsWith('/')) refuse('is an absolute path')
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) refuse('leads out of its folder')
  if (parts.some((part) => Buffer.byteLength(part) > longestPart) || Buffer.byteLength(name) > longestPath)
    refuse('has too long a name')
  return parts.join('/')
}

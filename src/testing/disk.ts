import { RunbookError } from '../kernel/errors.ts'

/** An in-memory disk as plain data that a test sets up and inspects. Paths are absolute. */
export type Disk = {
  readonly files: Map<string, Uint8Array>
  readonly folders: Set<string>
  /** Modification times, where they matter to a test. */
  readonly modifiedAt: Map<string, Date>
  /** Mode and owner, where they differ from those of a file or folder that this program creates. */
  readonly permissions: Map<string, Permissions>
  /** What tells a file or folder from another one in its place; remove it as if another one were there. */
  readonly identities: Map<string, string>
  /** Symbolic links, path to target. File operations do not follow them. */
  readonly links: Map<string, string>
  /** Mounts by mount point. Each is a file system with its own free space. */
  readonly mounts: Map<string, FakeMount>
  /**
   * Bytes free outside the mounts. Writes are subtracted, and fail when it is used up; removals are not added
   * back.
   */
  freeBytes: number
  /** Folders in which this account may create and remove nothing. */
  readonly denied: Set<string>
  /** Called before each change; throw to make it fail. */
  beforeChange: (operation: string, path: string) => void
}

export type Permissions = { readonly mode: number; readonly uid: number; readonly gid: number }

export type FakeMount = {
  readonly device: number
  readonly type: string
  readonly source: string
  readonly bytesTotal: number
  freeBytes: number
  /** A network drive whose server does not answer. */
  dead: boolean
}

/** Counts the changes of a disk, for the ctime of its paths. Tests have no access to it, as nobody can set a ctime. */
class Changes {
  readonly last = new Map<string, number>()
  #count = 0

  see(path: string): void {
    this.last.set(path, (this.#count += 1))
  }
}

class Watched<V> extends Map<string, V> {
  readonly #changes: Changes

  constructor(changes: Changes) {
    super()
    this.#changes = changes
  }

  override set(path: string, value: V): this {
    this.#changes.see(path)
    return super.set(path, value)
  }
}

const changesOf = new WeakMap<Disk, Changes>()

export function emptyDisk(): Disk {
  const changes = new Changes()
  const disk: Disk = {
    files: new Watched(changes),
    folders: new Set(['/']),
    modifiedAt: new Watched(changes),
    permissions: new Watched(changes),
    identities: new Map(),
    links: new Watched(changes),
    mounts: new Map(),
    freeBytes: 1e12,
    denied: new Set(),
    beforeChange: () => undefined,
  }
  changesOf.set(disk, changes)
  return disk
}

/** Puts a file on the disk, with its folders, as if it had always been there. */
export function lay(disk: Disk, path: string, body: string | Uint8Array): void {
  for (const parent of parentsOf(path)) disk.folders.add(parent)
  disk.files.set(path, typeof body === 'string' ? Buffer.from(body) : body)
}

/** Mounts a drive on a folder, which is created. */
export function mountOn(disk: Disk, point: string, more: Partial<FakeMount> = {}): FakeMount {
  for (const one of [...parentsOf(point), point]) disk.folders.add(one)
  const mount = {
    device: 2 + disk.mounts.size,
    type: 'fuse.rclone',
    source: 'drive:',
    bytesTotal: 1e12,
    freeBytes: 5e11,
    dead: false,
    ...more,
  }
  disk.mounts.set(point, mount)
  return mount
}

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

/** Resolves every symbolic link in a path, as opening it does. */
export function resolvedOn(disk: Disk, path: string): string {
  for (const at of [...parentsOf(path), path]) {
    const target = disk.links.get(at)
    if (target === undefined) continue
    const led = target.startsWith('/') ? target : `${parentOf(at)}/${target}`.replace('//', '/')
    return resolvedOn(disk, `${led}${path.slice(at.length)}`)
  }
  return path
}

export const parentsOf = (path: string): readonly string[] =>
  path === '/' ? [] : [...parentsOf(parentOf(path)), parentOf(path)]

/**
 * Normalises a path.
 * @throws RunbookError `usage` for a path that is not absolute
 */
export function placeOn(path: string): string {
  if (!path.startsWith('/') || path.includes('\0'))
    throw new RunbookError('usage', `the path ${JSON.stringify(path)} is not absolute`)
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

export const kindOn = (disk: Disk, path: string): 'file' | 'directory' | 'link' | null =>
  disk.files.has(path) ? 'file' : disk.folders.has(path) ? 'directory' : disk.links.has(path) ? 'link' : null

/** The modification time of a path; a fixed time where the test sets none. */
export const modifiedOn = (disk: Disk, path: string): Date =>
  disk.modifiedAt.get(path) ?? new Date('2026-01-01T00:00:00Z')

/** As a ctime: another one after each change of a path, whatever time of modification is set. */
export const changedOn = (disk: Disk, path: string): string =>
  `2026-01-01T00:00:00.${String(changesOf.get(disk)?.last.get(path) ?? 0).padStart(9, '0')}Z`

/** A rename changes what is renamed, and nothing below it. */
export function renamedOn(disk: Disk, from: string, to: string, rename: () => void): void {
  const changes = changesOf.get(disk)
  const was = treeOn(disk, from).map((path) => [path, changes?.last.get(path)] as const)
  rename()
  for (const [path, last] of was)
    if (last !== undefined) changes?.last.set(`${to}${path.slice(from.length)}`, last)
  changes?.see(to)
}

const modes = { file: 0o600, directory: 0o700, link: 0o777 }

/** The permissions of a path; where the test sets none, access for user 1000 only. */
export const permissionsOn = (disk: Disk, path: string): Permissions =>
  disk.permissions.get(path) ?? { mode: modes[kindOn(disk, path) ?? 'file'], uid: 1000, gid: 1000 }

/** The mount point at or above a path; `/` without one. */
export const pointOn = (disk: Disk, path: string): string =>
  [...parentsOf(path), path].findLast((one) => disk.mounts.has(one)) ?? '/'

/** All paths at or below a path. */
export const treeOn = (disk: Disk, path: string): readonly string[] =>
  [...disk.files.keys(), ...disk.folders, ...disk.links.keys()].filter(
    (at) => at === path || at.startsWith(`${path}/`),
  )

export const freeOn = (disk: Disk, path: string): number =>
  (disk.mounts.get(pointOn(disk, path)) ?? disk).freeBytes

export function spend(disk: Disk, bytes: number, path: string): void {
  const space = disk.mounts.get(pointOn(disk, path)) ?? disk
  if (bytes > space.freeBytes) {
    throw new RunbookError('failed', `cannot write ${path}: no space is left on its file system`, {
      hint: 'make room there (freeBytes of the disk of the test)',
    })
  }
  space.freeBytes -= bytes
}

/** Removes one path with all its metadata. */
export function forget(disk: Disk, path: string): void {
  for (const known of [
    disk.files,
    disk.folders,
    disk.links,
    disk.modifiedAt,
    disk.permissions,
    disk.identities,
  ])
    known.delete(path)
}

let inodes = 0

/** As an inode: the same for life, and moved with what it belongs to. */
export function identityOn(disk: Disk, path: string): string {
  const identity = disk.identities.get(path) ?? String((inodes += 1))
  disk.identities.set(path, identity)
  return identity
}

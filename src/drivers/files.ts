import type { JsonObject } from '../kernel/json.ts'

export type FileFacts = JsonObject & {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Id of the file system it lies on: another one than its folder's where something is mounted. */
  readonly device: number
  readonly modifiedAt: string
}

/** The file system that a path lies on. */
export type MountFacts = JsonObject & {
  /** Where it is mounted. The path itself, where something is mounted there. */
  readonly point: string
  readonly device: number
  /** `ext4`, `fuse.rclone`. */
  readonly type: string
  readonly source: string
  readonly bytesTotal: number
  /** For an unprivileged user. */
  readonly bytesFree: number
}

/** A tree at one moment: two with the same digest hold the same names, kinds, contents, modes and owners. Times do not count. */
export type TreeFacts = JsonObject & {
  readonly files: number
  readonly folders: number
  /** Links, sockets and whatever else is neither file nor folder. */
  readonly others: number
  readonly bytes: number
  readonly digest: string
}

export interface FilesView {
  /** Null where nothing is there. Links are not followed. */
  stat(path: string): Promise<FileFacts | null>
  /** @throws RunbookError `failed` past `maxBytes`, so that a wrong path cannot fill the memory. */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /** Where a symbolic link leads, just as it is written in it; null for anything else, and where nothing is there. */
  linkTarget(path: string): Promise<string | null>
  /** Names in a folder, sorted. */
  list(path: string): Promise<readonly string[]>
  /** Free bytes for an unprivileged user on the file system of the path or of its nearest existing parent. */
  freeBytes(path: string): Promise<number>
  /** SHA-256 of a regular file, in hexadecimal. @throws RunbookError `failed` where it changes meanwhile. */
  hash(path: string): Promise<string>
  /** Reads a whole tree, following no link. @throws RunbookError `failed` where nothing is there, or a file changes meanwhile. */
  tree(path: string): Promise<TreeFacts>
  /**
   * Asked of a process of its own, for a dead network mount holds up whoever touches it.
   * @throws RunbookError `failed` where nothing is there, and where the file system does not answer in time
   */
  mount(path: string, timeoutSeconds: number): Promise<MountFacts>
}

export interface Files extends FilesView {
  /** Makes the folder, and its parents, with mode 0700. */
  makeFolder(path: string): Promise<void>
  /**
   * All or nothing, and durable when it returns: temporary file, fsync, rename, fsync of the folder. A file that is replaced keeps its
   * mode and owner; a new one has mode 0600.
   */
  write(path: string, body: string | Uint8Array): Promise<void>
  /**
   * Copies one regular file, all or nothing and durable: until it is whole it is called `TO.partial`. Mode, owner and time (to the millisecond) come along
   * where the file system has them. @returns its SHA-256
   * @throws RunbookError `failed` where something is there already, or the file changes while it is read
   */
  copy(from: string, to: string): Promise<string>
  /** As `copy`, over a file that must be there, all at once: what it was is gone, but its mode and owner stay. */
  replace(path: string, from: string): Promise<string>
  /**
   * Renames a file or a folder; durable. Never into a folder that is there, nor over anything: a name that is taken is refused.
   * @throws RunbookError `failed`, also from one file system to another
   */
  move(from: string, to: string): Promise<void>
  /**
   * Lets a symbolic link lead somewhere, all at once and durable: at no moment is it missing. It is made where nothing is there.
   * @throws RunbookError `failed` where something else than a link is there
   */
  writeLink(path: string, target: string): Promise<void>
  /** Adds text at the end of a file, durable when it returns; creates it. */
  append(path: string, text: string): Promise<void>
  /** Removes a whole tree, never following a link out of it. Nothing there is no error. */
  removeTree(path: string): Promise<void>
}

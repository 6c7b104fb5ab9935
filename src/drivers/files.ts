import type { JsonObject } from '../kernel/json.ts'
import type { MissingRight } from './databases.ts'

export type FileFacts = JsonObject & {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Id of its file system; differs from that of its folder at a mount point. */
  readonly device: number
  /**
   * Two of a path that differ are of two things, also after a rename: the inode. Null where its file system may change
   * it, such as one of FUSE.
   */
  readonly identity: string | null
  readonly modifiedAt: string
  /**
   * When it was last written to, renamed, linked or given another mode, owner or time, to the nanosecond: the ctime,
   * which no program can set. Null as `identity` is.
   */
  readonly changedAt: string | null
}

/** The file system of a path. */
export type MountFacts = JsonObject & {
  /** The mount point; the path itself if it is one. */
  readonly point: string
  readonly device: number
  /** `ext4`, `fuse.rclone`. */
  readonly type: string
  readonly source: string
  readonly bytesTotal: number
  /** For an unprivileged user. */
  readonly bytesFree: number
}

/** A tree at one moment. The digest covers names, kinds, contents, modes and owners, but not times. */
export type TreeFacts = JsonObject & {
  readonly files: number
  readonly folders: number
  /** Links, sockets and everything else that is neither file nor folder. */
  readonly others: number
  readonly bytes: number
  readonly digest: string
}

export interface FilesView {
  /** Null if the path does not exist. Does not follow links. */
  stat(path: string): Promise<FileFacts | null>
  /** @throws RunbookError `failed` beyond `maxBytes`, so that a wrong path cannot exhaust memory */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /** The first bytes of a regular file; all of a shorter one. */
  head(path: string, bytes: number): Promise<Uint8Array>
  /** Target of a symbolic link, unresolved; null for anything else or a missing path. */
  linkTarget(path: string): Promise<string | null>
  /**
   * The path with every symbolic link in it resolved, also where nothing exists at its end. Uses a child process, as
   * `mount` does.
   * @throws RunbookError `failed` if a folder on the way may not be read or does not answer in time
   */
  realPath(path: string, timeoutSeconds: number): Promise<string>
  /** Names of the entries of a folder, sorted. */
  list(path: string): Promise<readonly string[]>
  /** Whether a process that was killed left a half-written file for this one: `write` and `removeTree` remove it. */
  unfinished(path: string): Promise<boolean>
  /**
   * Mount points of this machine that show a path, or something in it, in another place: bind mounts.
   * @throws RunbookError `failed` if the mounts cannot be read
   */
  shownAt(path: string): Promise<readonly string[]>
  /** Free bytes for an unprivileged user on the file system of the path or its nearest existing parent. */
  freeBytes(path: string): Promise<number>
  /**
   * What this account lacks to create and remove entries of a folder, or of its nearest existing parent, by owners,
   * modes and mounts, without trying it; null if nothing.
   */
  missingRight(folder: string): Promise<MissingRight | null>
  /** SHA-256 of a regular file as hex. @throws RunbookError `failed` if it changes meanwhile */
  hash(path: string): Promise<string>
  /** Reads a tree without following links. @throws RunbookError `failed` if missing, or if a file changes */
  tree(path: string): Promise<TreeFacts>
  /**
   * Uses a child process, because a dead network mount blocks any process that touches it.
   * @throws RunbookError `failed` if the path is missing or the file system does not answer in time
   */
  mount(path: string, timeoutSeconds: number): Promise<MountFacts>
}

export interface Files extends FilesView {
  /** Creates the folder and its parents with mode 0700. */
  makeFolder(path: string): Promise<void>
  /**
   * Atomic, and durable when it returns: temporary file, fsync, rename, fsync of the folder. A replaced file
   * keeps its mode and owner; a new one gets `mode` whatever the umask, 0600 if left out.
   */
  write(path: string, body: string | Uint8Array, options?: { readonly mode?: number }): Promise<void>
  /**
   * Copies one regular file, atomically and durably: it is `TO.partial` until it is complete. Keeps mode,
   * owner and time (to the millisecond) if the file system supports them.
   * @returns its SHA-256
   * @throws RunbookError `failed` if `to` exists or the file changes while it is read
   */
  copy(from: string, to: string): Promise<string>
  /** Like `copy`, but atomically replaces an existing file, whose mode and owner are kept. */
  replace(path: string, from: string): Promise<string>
  /**
   * Renames a file or a folder, durably. `to` is the new name, never a folder to move into.
   * @throws RunbookError `failed` if `to` exists, or across file systems
   */
  move(from: string, to: string): Promise<void>
  /**
   * Creates a symbolic link or replaces its target, atomically and durably: the link is never missing.
   * @throws RunbookError `failed` if something other than a link exists there
   */
  writeLink(path: string, target: string): Promise<void>
  /** Appends to a file, creating it if missing; durable when it returns. */
  append(path: string, text: string): Promise<void>
  /** Removes a tree without following links. A missing one is not an error. */
  removeTree(path: string): Promise<void>
}

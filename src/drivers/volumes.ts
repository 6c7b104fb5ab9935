import type { JsonObject } from '../kernel/json.ts'
import type { Stack } from './services.ts'

/** A path in the container of a service, running or stopped. Absolute, without `..`. */
export type VolumePath = { readonly stack: Stack; readonly service: string; readonly path: string }

export type VolumeFacts = JsonObject & {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  /** Permission bits, including set-uid, set-gid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedAt: string
  /** Target of a link as resolved by the engine; null for anything else. */
  readonly link: string | null
}

/** Numeric owner and mode of a file: names differ between containers. */
export type Ownership = { readonly uid: number; readonly gid: number; readonly mode: number }

export type FileDigest = JsonObject & { readonly sha256: string; readonly bytes: number }

/**
 * Files in the volumes of a service's container, which must exist but need not run: after `docker compose
 * down` every call fails (`preflight`) with the command that creates one. The last link of a path is not
 * followed. Reads while the service writes are not a snapshot, except those of `withCopy`: stop it first.
 */
export interface VolumesView {
  /** Null if the path does not exist. */
  stat(at: VolumePath): Promise<VolumeFacts | null>
  /** Names of the entries of a folder, sorted. Reads everything below it. */
  list(at: VolumePath): Promise<readonly string[]>
  /** @throws RunbookError `failed` beyond `maxBytes` or if it is not a regular file */
  read(at: VolumePath, maxBytes: number): Promise<Uint8Array>
  /** Of a regular file, read to its end. */
  digest(at: VolumePath): Promise<FileDigest>
  /**
   * Gives `use` a copy on this machine of a file and of those beside it whose names only have one of the endings more,
   * all of one moment, also while the service runs: what was copied is read again, and copied again while it differs.
   * The copy is in a private folder, which is gone afterwards.
   * @param endings such as `-wal`; a file that does not exist is left out
   * @throws RunbookError `failed` where `at` does not exist or keeps changing, or there is no room for a copy
   */
  withCopy<T>(at: VolumePath, endings: readonly string[], use: (file: string) => Promise<T>): Promise<T>
  /**
   * Which file a path in a volume leads to: the same after a write to it, another one where somebody put another file there
   * or made the volume again; also after the container was made again, where its image knows no time of creation. Null where
   * that is not known: in a dry run, which starts no program in a container, outside a volume, where nothing is, and for an
   * image without `sh` and `ls`.
   */
  identity(at: VolumePath): Promise<string | null>
  /** Whether an interrupted `put` left something beside the path. `remove` or another `put` cleans it up. */
  leftover(at: VolumePath): Promise<boolean>
}

export interface Volumes extends VolumesView {
  /** Copies a regular file out to `to`, atomically and with mode 0600; replaces an existing file. */
  fetch(at: VolumePath, to: string): Promise<FileDigest>
  /**
   * Copies a regular file of this machine in. Written beside its place and renamed, so it is never partly
   * there; replaces an existing file.
   * @throws RunbookError `preflight` for a path that is not in a writable volume of the service
   */
  put(from: string, at: VolumePath, ownership: Ownership): Promise<FileDigest>
  /** Like `put`, for bytes in memory, such as those of a settings file. */
  write(at: VolumePath, body: Uint8Array, ownership: Ownership): Promise<FileDigest>
  /** Renames within a volume. @throws RunbookError `failed` if `to` exists or `at` does not */
  move(at: VolumePath, to: string): Promise<void>
  /** Removes one file or link. A missing one is not an error. */
  remove(at: VolumePath): Promise<void>
}

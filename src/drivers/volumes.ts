import type { JsonObject } from '../kernel/json.ts'
import type { Stack } from './services.ts'

/** A file as a service sees it in its container, whether that runs or is stopped. Absolute, without `..`. */
export type VolumePath = { readonly stack: Stack; readonly service: string; readonly path: string }

export type VolumeFacts = JsonObject & {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  /** Permission bits, those for set-uid, set-gid and sticky among them. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedAt: string
  /** Where a link leads, as the engine resolves it; null for anything else. */
  readonly link: string | null
}

/** To whom a file belongs, by number: the names are the container's own. */
export type Ownership = { readonly uid: number; readonly gid: number; readonly mode: number }

export type FileDigest = JsonObject & { readonly sha256: string; readonly bytes: number }

/**
 * Files in the volumes of a service's container. A container must exist, and need not run: after `docker compose down` there is none, and
 * every question is refused (`preflight`) with the command that makes one without starting it. Nothing follows a link at the end of a path.
 * What is read while the service writes is no snapshot: stop it first.
 */
export interface VolumesView {
  /** Null where nothing is there. */
  stat(at: VolumePath): Promise<VolumeFacts | null>
  /** Names in a folder, sorted. Reads all that is below it. */
  list(at: VolumePath): Promise<readonly string[]>
  /** @throws RunbookError `failed` past `maxBytes`, and for what is no regular file. */
  read(at: VolumePath, maxBytes: number): Promise<Uint8Array>
  /** Of a regular file, read to its end. */
  digest(at: VolumePath): Promise<FileDigest>
  /** Whether a `put` that was cut off left something beside the path. `remove` of the path takes it away, another `put` begins anew. */
  leftover(at: VolumePath): Promise<boolean>
}

export interface Volumes extends VolumesView {
  /** Copies a regular file out, with mode 0600: all of it or nothing. What is at `to` is replaced. */
  fetch(at: VolumePath, to: string): Promise<FileDigest>
  /**
   * Copies a regular file of this machine in. It arrives beside its place and is renamed, so at no moment is half a file there; what is
   * there is replaced. @throws RunbookError `preflight` for a path that lies in no writable volume of the service
   */
  put(from: string, at: VolumePath, ownership: Ownership): Promise<FileDigest>
  /** As `put`, for bytes at hand, such as those of a settings file. */
  write(at: VolumePath, body: Uint8Array, ownership: Ownership): Promise<FileDigest>
  /** Renames within a volume. @throws RunbookError `failed` where `to` exists or `at` does not */
  move(at: VolumePath, to: string): Promise<void>
  /** Removes one file, or a link. Nothing there is no error. */
  remove(at: VolumePath): Promise<void>
}

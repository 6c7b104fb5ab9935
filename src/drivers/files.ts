import type { JsonObject } from '../kernel/json.ts'

export type FileFacts = JsonObject & {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly bytes: number
  readonly mode: number
  readonly modifiedAt: string
}

export interface FilesView {
  /** Null where nothing is there. Links are not followed. */
  stat(path: string): Promise<FileFacts | null>
  /** @throws RunbookError `failed` past `maxBytes`, so that a wrong path cannot fill the memory. */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /** Names in a folder, sorted. */
  list(path: string): Promise<readonly string[]>
  /** Free bytes for an unprivileged user on the file system of the path or of its nearest existing parent. */
  freeBytes(path: string): Promise<number>
}

export interface Files extends FilesView {
  /** Makes the folder, and its parents, with mode 0700. */
  makeFolder(path: string): Promise<void>
  /** All or nothing, and durable when it returns: temporary file, fsync, rename, fsync of the folder. */
  write(path: string, body: string | Uint8Array): Promise<void>
  /** Adds text at the end of a file, durable when it returns; creates it. */
  append(path: string, text: string): Promise<void>
  /** Removes a whole tree, never following a link out of it. Nothing there is no error. */
  removeTree(path: string): Promise<void>
}

import { RunbookError } from '../kernel/errors.ts'

/** A pretended disk: plain data, so a test lays out any state and looks at any outcome. Paths are absolute. */
export type Disk = {
  readonly files: Map<string, Uint8Array>
  readonly folders: Set<string>
  /** When a file was last changed, where that matters to a test. */
  readonly modifiedAt: Map<string, Date>
  /** Path to target. Nothing here follows one. */
  readonly links: Map<string, string>
  /** Writing more than this fails as a full disk does; what is written is taken off, what is removed is not given back. */
  freeBytes: number
  /** Asked before each change; throw from it to make the change fail. */
  beforeChange: (operation: string, path: string) => void
}

export function emptyDisk(): Disk {
  return { files: new Map(), folders: new Set(['/']), modifiedAt: new Map(), links: new Map(), freeBytes: 1e12, beforeChange: () => undefined }
}

/** Puts a file on the disk as if it had always been there, its folders too. */
export function lay(disk: Disk, path: string, body: string | Uint8Array): void {
  for (const parent of parentsOf(path)) disk.folders.add(parent)
  disk.files.set(path, typeof body === 'string' ? Buffer.from(body) : body)
}

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

export const parentsOf = (path: string): readonly string[] => (path === '/' ? [] : [...parentsOf(parentOf(path)), parentOf(path)])

/** @throws RunbookError `usage` for a path that is not absolute. */
export function placeOn(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new RunbookError('usage', `the path ${JSON.stringify(path)} is not absolute`)
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

export const kindOn = (disk: Disk, path: string): 'file' | 'directory' | 'link' | null =>
  disk.files.has(path) ? 'file' : disk.folders.has(path) ? 'directory' : disk.links.has(path) ? 'link' : null

/** Where a test says nothing, every file is of one moment. */
export const modifiedOn = (disk: Disk, path: string): Date => disk.modifiedAt.get(path) ?? new Date('2026-01-01T00:00:00Z')

/** Everything at or below a path. */
export const treeOn = (disk: Disk, path: string): readonly string[] =>
  [...disk.files.keys(), ...disk.folders, ...disk.links.keys()].filter((at) => at === path || at.startsWith(`${path}/`))

export function spend(disk: Disk, bytes: number, path: string): void {
  if (bytes > disk.freeBytes) {
    throw new RunbookError('failed', `could not write ${path}: no space is left on its file system`, { hint: 'make room there' })
  }
  disk.freeBytes -= bytes
}

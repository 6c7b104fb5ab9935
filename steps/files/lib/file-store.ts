import { RunbookError, type Io, type Look, type Stack, type VolumeFacts } from '../../../src/index.ts'

/** The container that has a file; undefined means this machine. */
export type FileLocation = { readonly stack: Stack; readonly service: string }

/** Reads small files in one location. */
export interface FileStore {
  /** Null where nothing is there. Does not follow links. */
  kind(path: string): Promise<VolumeFacts['kind'] | null>
  read(path: string, maxBytes: number): Promise<Uint8Array>
  hash(path: string): Promise<string>
  /** Whether an interrupted copy or write left something beside the path. */
  leftover(path: string): Promise<boolean>
}

/** Writes small files in one location: each operation is atomic and durable. */
export interface WritableFileStore extends FileStore {
  /** Keeps mode and owner. `to` must not exist. */
  copy(from: string, to: string): Promise<void>
  /** Overwrites an existing file; its mode and owner stay. */
  write(path: string, body: Uint8Array): Promise<void>
  /** As `write`, with the bytes of another file. */
  replace(path: string, from: string): Promise<void>
  /** Also removes leftovers beside it. A missing file is not an error. */
  remove(path: string): Promise<void>
}

type Eyes = Pick<Look, 'files' | 'volumes'>

export function fileStoreOf({ files, volumes }: Eyes, home: FileLocation | undefined): FileStore {
  if (home === undefined) {
    return {
      kind: async (path) => (await files.stat(path))?.kind ?? null,
      read: (path, maxBytes) => files.read(path, maxBytes),
      hash: (path) => files.hash(path),
      leftover: async (path) => (await files.stat(partialOf(path))) !== null,
    }
  }
  const at = (path: string) => ({ ...home, path })
  return {
    kind: async (path) => (await volumes.stat(at(path)))?.kind ?? null,
    read: (path, maxBytes) => volumes.read(at(path), maxBytes),
    hash: async (path) => (await volumes.digest(at(path))).sha256,
    leftover: (path) => volumes.leftover(at(path)),
  }
}

/** A larger file is not a settings file. */
export const maxBytes = 1 << 20

export function writableFileStoreOf(
  io: Pick<Io, 'files' | 'volumes'>,
  home: FileLocation | undefined,
): WritableFileStore {
  const { files, volumes } = io
  const shelf = fileStoreOf(io, home)
  if (home === undefined) {
    return {
      ...shelf,
      copy: async (from, to) => void (await files.copy(from, to)),
      write: (path, body) => files.write(path, body),
      replace: async (path, from) => void (await files.replace(path, from)),
      remove: async (path) => {
        await files.removeTree(path)
        await files.removeTree(partialOf(path))
      },
    }
  }
  const at = (path: string) => ({ ...home, path })
  const lay = async (path: string, body: Uint8Array, as: string): Promise<void> => {
    const facts = await volumes.stat(at(as))
    if (facts === null)
      throw new RunbookError('failed', `cannot write ${path} of ${home.service}: ${as} is not there`, {
        hint: 'find out who removed it',
      })
    await volumes.write(at(path), body, { uid: facts.uid, gid: facts.gid, mode: facts.mode })
  }
  return {
    ...shelf,
    copy: async (from, to) => lay(to, await shelf.read(from, maxBytes), from),
    write: (path, body) => lay(path, body, path),
    replace: async (path, from) => lay(path, await shelf.read(from, maxBytes), path),
    remove: (path) => volumes.remove(at(path)),
  }
}

const partialOf = (path: string): string => `${path}.partial`

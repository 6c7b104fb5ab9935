import { cannot, type Io, type Look, type Stack, type VolumeFacts } from '../../../src/index.ts'

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

type FileReader = Pick<Look, 'files' | 'volumes'>

export function fileStoreOf({ files, volumes }: FileReader, location: FileLocation | undefined): FileStore {
  if (location === undefined) {
    return {
      kind: async (path) => (await files.stat(path))?.kind ?? null,
      read: (path, maxBytes) => files.read(path, maxBytes),
      hash: (path) => files.hash(path),
      leftover: async (path) => (await files.stat(partialOf(path))) !== null,
    }
  }
  const at = (path: string) => ({ ...location, path })
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
  location: FileLocation | undefined,
): WritableFileStore {
  const { files, volumes } = io
  const store = fileStoreOf(io, location)
  if (location === undefined) {
    return {
      ...store,
      copy: async (from, to) => void (await files.copy(from, to)),
      write: (path, body) => files.write(path, body),
      replace: async (path, from) => void (await files.replace(path, from)),
      remove: async (path) => {
        await files.removeTree(path)
        await files.removeTree(partialOf(path))
      },
    }
  }
  const at = (path: string) => ({ ...location, path })
  const writeLike = async (path: string, body: Uint8Array, as: string): Promise<void> => {
    const facts = await volumes.stat(at(as))
    if (facts === null)
      throw cannot('write', `${path} of ${location.service}`, `${as} not found`, {
        code: 'failed',
        hint: 'find out what removed it',
      })
    await volumes.write(at(path), body, { uid: facts.uid, gid: facts.gid, mode: facts.mode })
  }
  return {
    ...store,
    copy: async (from, to) => writeLike(to, await store.read(from, maxBytes), from),
    write: (path, body) => writeLike(path, body, path),
    replace: async (path, from) => writeLike(path, await store.read(from, maxBytes), path),
    remove: (path) => volumes.remove(at(path)),
  }
}

const partialOf = (path: string): string => `${path}.partial`

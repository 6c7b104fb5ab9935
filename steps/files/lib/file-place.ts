import { cannot, type FilePlace, type Io, type Look, type Ownership } from '../../../src/index.ts'

/** State of a file, which an undo must restore exactly. */
export type FileState = Ownership & { readonly sha256: string; readonly bytes: number }

type FileReader = Pick<Look, 'files' | 'volumes'>
type FileWriter = Pick<Io, 'files' | 'volumes'>

export const withPath = (at: FilePlace, path: string): FilePlace => ({ ...at, path })

export const kindAt = async (look: FileReader, { inside, path }: FilePlace): Promise<string | null> =>
  (inside === null ? await look.files.stat(path) : await look.volumes.stat({ ...inside, path }))?.kind ?? null

/**
 * State of the file; null where nothing is there.
 * @throws RunbookError `preflight` for a link, a folder or another type
 */
export async function fileStateOf(look: FileReader, at: FilePlace): Promise<FileState | null> {
  const { inside, path } = at
  const facts = inside === null ? await look.files.stat(path) : await look.volumes.stat({ ...inside, path })
  if (facts === null) return null
  if (facts.kind !== 'file')
    throw cannot('restore', path, `it is a ${facts.kind}, not a file`, {
      code: 'preflight',
      hint: 'check what it is for, and restore it by hand',
    })
  const sha256 =
    inside === null ? await look.files.hash(path) : (await look.volumes.digest({ ...inside, path })).sha256
  return { sha256, bytes: facts.bytes, uid: facts.uid, gid: facts.gid, mode: facts.mode & 0o7777 }
}

/** Whether an interrupted `placeFile` left something beside the path. */
export const leftoverOf = async (look: FileReader, { inside, path }: FilePlace): Promise<boolean> =>
  inside === null
    ? (await look.files.stat(`${path}.partial`)) !== null
    : look.volumes.leftover({ ...inside, path })

/**
 * Puts a file of this machine at a place, all at once. `ownership` applies in volumes; on this machine, a
 * replaced file keeps its owner and mode, and a new one keeps those of `from`.
 */
export async function placeFile(
  io: FileWriter,
  from: string,
  { inside, path }: FilePlace,
  ownership: Ownership,
): Promise<void> {
  if (inside !== null) await io.volumes.put(from, { ...inside, path }, ownership)
  else if ((await io.files.stat(path)) === null) await io.files.copy(from, path)
  else await io.files.replace(path, from)
}

/**
 * Copies a file to another path beside it. In a volume, the copy goes through the file `through` on this
 * machine, which is removed afterwards.
 */
export async function copyBeside(
  io: FileWriter,
  at: FilePlace,
  to: string,
  through: string,
  ownership: Ownership,
): Promise<void> {
  if (at.inside === null) return placeFile(io, at.path, withPath(at, to), ownership)
  await io.volumes.fetch({ ...at.inside, path: at.path }, through)
  await placeFile(io, through, withPath(at, to), ownership)
  await io.files.removeTree(through)
}

/** Removes the file and what a `placeFile` left beside it. */
export async function removeAt(io: FileWriter, { inside, path }: FilePlace): Promise<void> {
  if (inside !== null) return io.volumes.remove({ ...inside, path })
  await io.files.removeTree(path)
  await io.files.removeTree(`${path}.partial`)
}

import { RunbookError, type FilePlace, type Io, type Look, type Ownership } from '../../../src/index.ts'

/** State of a file, which an undo must restore exactly. */
export type Standing = Ownership & { readonly sha256: string; readonly bytes: number }

type Eyes = Pick<Look, 'files' | 'volumes'>
type Hands = Pick<Io, 'files' | 'volumes'>

export const besides = (at: FilePlace, path: string): FilePlace => ({ ...at, path })

export const kindAt = async (look: Eyes, { inside, path }: FilePlace): Promise<string | null> =>
  (inside === null ? await look.files.stat(path) : await look.volumes.stat({ ...inside, path }))?.kind ?? null

/**
 * State of the file; null where nothing is there.
 * @throws RunbookError `preflight` for a link, a folder or another type
 */
export async function standingOf(look: Eyes, at: FilePlace): Promise<Standing | null> {
  const { inside, path } = at
  const facts = inside === null ? await look.files.stat(path) : await look.volumes.stat({ ...inside, path })
  if (facts === null) return null
  if (facts.kind !== 'file')
    throw new RunbookError('preflight', `${path} is a ${facts.kind}, and only a file is put back`, {
      hint: 'look at it first',
    })
  const sha256 =
    inside === null ? await look.files.hash(path) : (await look.volumes.digest({ ...inside, path })).sha256
  return { sha256, bytes: facts.bytes, uid: facts.uid, gid: facts.gid, mode: facts.mode & 0o7777 }
}

/** Whether an interrupted `give` left something beside the path. */
export const leftoverOf = async (look: Eyes, { inside, path }: FilePlace): Promise<boolean> =>
  inside === null
    ? (await look.files.stat(`${path}.partial`)) !== null
    : look.volumes.leftover({ ...inside, path })

/**
 * Puts a file of this machine at a place, all at once. `ownership` applies in volumes; on this machine, a
 * replaced file keeps its owner and mode, and a new one keeps those of `from`.
 */
export async function give(
  io: Hands,
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
export async function carry(
  io: Hands,
  at: FilePlace,
  to: string,
  through: string,
  ownership: Ownership,
): Promise<void> {
  if (at.inside === null) return give(io, at.path, besides(at, to), ownership)
  await io.volumes.fetch({ ...at.inside, path: at.path }, through)
  await give(io, through, besides(at, to), ownership)
  await io.files.removeTree(through)
}

/** Removes the file and what a `give` left beside it. */
export async function removeAt(io: Hands, { inside, path }: FilePlace): Promise<void> {
  if (inside !== null) return io.volumes.remove({ ...inside, path })
  await io.files.removeTree(path)
  await io.files.removeTree(`${path}.partial`)
}

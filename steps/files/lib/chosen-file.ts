import type { FileFacts, Look } from '../../../src/index.ts'

/** A file, or a folder with the bytes of all files in it, when it was chosen. */
export type FilePart = {
  readonly path: string
  readonly bytes: number
  /** As the files driver tells them. Missing where an earlier version chose. */
  readonly identity?: string | null
  readonly modifiedAt?: string
  readonly changedAt?: string | null
}

/** @param bytes of a folder: those of all files in it */
export const filePart = (
  path: string,
  { identity, modifiedAt, changedAt, ...facts }: FileFacts,
  bytes: number = facts.bytes,
): FilePart => ({ path, bytes, identity, modifiedAt, changedAt })

/** The existing ones of these files, with their sizes. */
export async function withSizes(
  look: Pick<Look, 'files'>,
  paths: readonly string[],
): Promise<readonly FilePart[]> {
  const facts = await Promise.all(paths.map((path) => look.files.stat(path)))
  return paths.flatMap((path, index) => {
    const found = facts[index] ?? null
    return found === null ? [] : [filePart(path, found)]
  })
}

/** A folder that a kill left half removed is still the chosen one, though its time and size have changed. */
export function isChosenFile({ bytes, identity, modifiedAt, changedAt }: FilePart, now: FileFacts): boolean {
  const isFolder = now.kind === 'directory'
  if (!isFolder && now.bytes !== bytes) return false
  // An earlier version recorded the size alone.
  if (identity === undefined || modifiedAt === undefined) return true
  const known = identity !== null && now.identity !== null
  if (known && identity !== now.identity) return false
  if (isFolder && known) return true
  return modifiedAt === now.modifiedAt && (changedAt === undefined || changedAt === now.changedAt)
}

/** The paths at which something else is by now: a step that removes what it chose must leave that. */
export async function replacedAmong(
  look: Pick<Look, 'files'>,
  chosen: readonly FilePart[],
): Promise<ReadonlySet<string>> {
  const replaced = new Set<string>()
  for (const part of chosen) {
    const now = await look.files.stat(part.path)
    if (now !== null && !isChosenFile(part, now)) replaced.add(part.path)
  }
  return replaced
}

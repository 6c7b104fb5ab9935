import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checksum } from '../../formats/checksum-list.ts'
import { isPartOfDump, tableOfContents } from '../../formats/dump-folder.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'

export type FolderFile = {
  readonly name: string
  readonly bytes: number
  /** Nanoseconds since 1970. */
  readonly modified: bigint
}

/** A folder of pg_dump -Fd, as it is now. */
export type DumpFolder = {
  /** By name. */
  readonly files: readonly FolderFile[]
  readonly bytes: number
  /** When the last of its files was written. */
  readonly modifiedAt: Date
  /** The first of what pg_dump does not write into it: a folder, a link, a pipe. */
  readonly odd: string | null
}

/** Null for a folder that has no table of contents of pg_dump. Reads no file. */
export async function dumpFolder(folder: string): Promise<DumpFolder | null> {
  const names = (await readdir(folder)).filter(isPartOfDump).toSorted()
  if (!names.includes(tableOfContents)) return null
  const all = await Promise.all(
    names.map(async (name) => ({ name, facts: await lstat(join(folder, name), { bigint: true }) })),
  )
  const files = all
    .filter(({ facts }) => facts.isFile())
    .map(({ name, facts }) => ({ name, bytes: Number(facts.size), modified: facts.mtimeNs }))
  if (!files.some(({ name }) => name === tableOfContents)) return null
  const last = files.reduce((newest, { modified }) => (modified > newest ? modified : newest), 0n)
  return {
    files,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    modifiedAt: new Date(Number(last / 1_000_000n)),
    odd: all.find(({ facts }) => !facts.isFile())?.name ?? null,
  }
}

/** @throws RunbookError `verification` for one that pg_dump did not write alone */
export async function mustBeDumpFolder(folder: string): Promise<DumpFolder> {
  const found = await dumpFolder(folder)
  if (found === null)
    throw new RunbookError(
      'verification',
      `dump ${shellWord(folder)} is a folder without ${tableOfContents}`,
      {
        hint: 'choose a file, or a folder that pg_dump -Fd wrote',
      },
    )
  if (found.odd !== null)
    throw new RunbookError(
      'verification',
      `dump ${shellWord(folder)} is refused: ${shellWord(found.odd)} in it is not a regular file`,
      { hint: 'pg_dump writes regular files only: choose another dump' },
    )
  return found
}

export const sameFolder = (one: DumpFolder, other: DumpFolder | null): boolean =>
  other !== null &&
  one.files.length === other.files.length &&
  one.files.every(({ name, bytes, modified }, index) => {
    const now = other.files[index]
    return now?.name === name && now.bytes === bytes && now.modified === modified
  })

/**
 * The bytes of a file of a folder, with its digest once all are read.
 * @throws RunbookError `verification` where it is no longer what was found
 */
export async function* fileBytes(
  folder: string,
  { name, bytes }: FolderFile,
  digest: (sum: Checksum) => void = () => undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const path = join(folder, name)
  const changed = (cause?: unknown): RunbookError =>
    new RunbookError('verification', `${shellWord(path)} changed while the folder was being read`, {
      cause,
      hint: 'wait until the backup job has ended, then start again',
    })
  // Not a link that replaced the file since it was found, nor a pipe, which would never end.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((cause: unknown) => {
    throw changed(cause)
  })
  const facts: BigIntStats = await file.stat({ bigint: true })
  if (!facts.isFile() || facts.size !== BigInt(bytes)) throw changed()
  const hash = createHash('sha256')
  let read = 0
  for await (const part of file.createReadStream({
    highWaterMark: 1 << 20,
    autoClose: false,
  }) as AsyncIterable<Uint8Array>) {
    hash.update(part)
    read += part.length
    // The tar header before it already states its size.
    if (read > bytes) throw changed()
    yield part
  }
  if (read !== bytes) throw changed()
  digest({ name, sha256: hash.digest('hex') })
}

import { once } from 'node:events'
import { Header, Parser, Pax, type HeaderData, type ReadEntry } from 'tar'
import type { Ownership, VolumeFacts } from '../../drivers/volumes.ts'

/**
 * Files are copied in and out of a container, running or not, as tar archives over the Engine API
 * (`/containers/ID/archive`). Headers have uid, gid and mode, and an uploaded archive is extracted with
 * exactly those. Observed on Docker 26 to 28: https://docs.docker.com/reference/api/engine/
 * (ContainerArchive, PutContainerArchive).
 */

/**
 * The header `X-Docker-Container-Path-Stat`. Its mode is Go's, with file types in the high bits; it has no
 * owners.
 */
export type PathStat = {
  readonly size: number
  readonly mode: number
  readonly mtime: string
  readonly linkTarget: string
}

export function pathStatOf(header: string): PathStat {
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat
}

/** io/fs.FileMode of Go. */
const goDirectory = 2 ** 31
const goLink = 2 ** 27
const goOther = 2 ** 26 + 2 ** 25 + 2 ** 24 + 2 ** 21 + 2 ** 19

export function kindOf({ mode }: Pick<PathStat, 'mode'>): VolumeFacts['kind'] {
  const has = (bits: number): boolean => (BigInt(mode) & BigInt(bits)) !== 0n
  return has(goDirectory) ? 'directory' : has(goLink) ? 'link' : has(goOther) ? 'other' : 'file'
}

type Chunks = AsyncIterable<Buffer>

/**
 * Passes each member of an archive to `use` until that returns `enough`.
 * @throws Error if it is damaged or truncated
 */
export async function eachMember(
  archive: Chunks,
  use: (member: ReadEntry) => 'next' | 'enough',
): Promise<void> {
  const parser = new Parser({ strict: true })
  let done = false
  let failure: Error | null = null
  const onEntry = (member: ReadEntry): void => {
    if (!done && use(member) === 'enough') done = true
    if (done) member.resume()
  }
  parser
    .on('entry', onEntry)
    .on('ignoredEntry', onEntry)
    .on('error', (error: Error) => (failure ??= error))
  for await (const chunk of archive) {
    if (!parser.write(chunk) && !done)
      await Promise.race([once(parser, 'drain'), once(parser, 'error').catch(() => undefined)])
    if (failure !== null) throw failure
    if (done) return
  }
  parser.end()
  if (failure !== null) throw failure
}

export type HeaderFacts = Ownership & { readonly mtime: Date | undefined }

/** Owner and mode of the first member of an archive. Of a large file only the header is fetched. */
export async function firstHeader(archive: Chunks): Promise<HeaderFacts | null> {
  let found: HeaderFacts | null = null
  await eachMember(archive, ({ uid, gid, mode, mtime }) => {
    found = { uid: uid ?? 0, gid: gid ?? 0, mode: (mode ?? 0) & 0o7777, mtime }
    return 'enough'
  })
  return found
}

/** The contents of the only file in an archive, in chunks. @throws Error if the archive is truncated */
export async function eachChunk(
  archive: Chunks,
  use: (chunk: Buffer) => Promise<void> | void,
): Promise<void> {
  let work: Promise<void> | null = null
  let bytes = -1
  let failure: unknown = null
  await eachMember(archive, (member) => {
    if (work !== null) {
      member.resume()
      return 'next'
    }
    bytes = member.size ?? 0
    work = (async () => {
      for await (const chunk of member as AsyncIterable<Buffer>) {
        bytes -= chunk.length
        // After a failure the rest must still be read, or the parser waits forever.
        if (failure === null)
          await Promise.resolve(chunk)
            .then(use)
            .catch((thrown: unknown) => (failure = thrown))
      }
    })()
    return 'next'
  })
  await (work as Promise<void> | null)
  if (failure !== null) throw failure
  if (bytes !== 0)
    throw new Error(
      bytes < 0
        ? 'no file in the archive'
        : `the archive is truncated: ${bytes} bytes of the file are missing`,
    )
}

/** The tar header of a file, with an extended header if its name or size needs one. */
export function headOf(name: string, bytes: number, { uid, gid, mode }: Ownership, modified: Date): Buffer {
  const data: HeaderData = { path: name, size: bytes, uid, gid, mode, mtime: modified, type: 'File' }
  const header = new Header(data)
  const block = Buffer.alloc(512)
  const needsMore = header.encode(block, 0)
  return needsMore ? Buffer.concat([new Pax({ path: name, size: bytes, uid, gid }).encode(), block]) : block
}

/** What follows the contents: padding to a full block, and two blocks of zeros. */
export const tailOf = (bytes: number): Buffer => Buffer.alloc(((512 - (bytes % 512)) % 512) + 1024)

import { once } from 'node:events'
import { Header, Parser, Pax, type HeaderData, type ReadEntry } from 'tar'
import type { Ownership, VolumeFacts } from '../../drivers/volumes.ts'

/**
 * Files go in and out of a container as tar archives over the Engine API (`/containers/ID/archive`), also where it does not run; headers
 * carry number of owner and group and the mode, and an archive that is put is extracted with just those.
 * Seen on Docker 26 to 28: https://docs.docker.com/reference/api/engine/ (ContainerArchive, PutContainerArchive).
 */

/** What the header `X-Docker-Container-Path-Stat` says. A mode of Go: kinds and special bits stand high, and owners are missing. */
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

/** Hands every member of an archive on, until `use` says that it has seen enough. @throws Error for one that is damaged or ends early */
export async function members(
  archive: Chunks,
  use: (member: ReadEntry) => 'go on' | 'enough',
): Promise<void> {
  const parser = new Parser({ strict: true })
  let over = false
  let trouble: Error | null = null
  const take = (member: ReadEntry): void => {
    if (!over && use(member) === 'enough') over = true
    if (over) member.resume()
  }
  parser
    .on('entry', take)
    .on('ignoredEntry', take)
    .on('error', (error: Error) => (trouble ??= error))
  for await (const chunk of archive) {
    if (!parser.write(chunk) && !over)
      await Promise.race([once(parser, 'drain'), once(parser, 'error').catch(() => undefined)])
    if (trouble !== null) throw trouble
    if (over) return
  }
  parser.end()
  if (trouble !== null) throw trouble
}

export type Owned = Ownership & { readonly mtime: Date | undefined }

/** Owner and mode of what the archive begins with. Of a large file only its header is fetched. */
export async function firstHeader(archive: Chunks): Promise<Owned | null> {
  let found: Owned | null = null
  await members(archive, ({ uid, gid, mode, mtime }) => {
    found = { uid: uid ?? 0, gid: gid ?? 0, mode: (mode ?? 0) & 0o7777, mtime }
    return 'enough'
  })
  return found
}

/** The contents of the one file in an archive, in pieces. @throws Error where the archive ends before the file does */
export async function eachPiece(
  archive: Chunks,
  use: (piece: Buffer) => Promise<void> | void,
): Promise<void> {
  let work: Promise<void> | null = null
  let bytes = -1
  let failure: unknown = null
  await members(archive, (member) => {
    if (work !== null) {
      member.resume()
      return 'go on'
    }
    bytes = member.size ?? 0
    work = (async () => {
      for await (const piece of member as AsyncIterable<Buffer>) {
        bytes -= piece.length
        // What nobody takes any more must flow on all the same, or the parser would wait for ever.
        if (failure === null)
          await Promise.resolve(piece)
            .then(use)
            .catch((thrown: unknown) => (failure = thrown))
      }
    })()
    return 'go on'
  })
  await (work as Promise<void> | null)
  if (failure !== null) throw failure
  if (bytes !== 0)
    throw new Error(
      bytes < 0 ? 'the archive holds no file' : `the archive ended ${bytes} bytes before its file did`,
    )
}

/** What stands before a file's contents in an archive of that one file; the extended header too where name or size need one. */
export function headOf(name: string, bytes: number, { uid, gid, mode }: Ownership, modified: Date): Buffer {
  const data: HeaderData = { path: name, size: bytes, uid, gid, mode, mtime: modified, type: 'File' }
  const header = new Header(data)
  const block = Buffer.alloc(512)
  const needsMore = header.encode(block, 0)
  return needsMore ? Buffer.concat([new Pax({ path: name, size: bytes, uid, gid }).encode(), block]) : block
}

/** What stands after them: the rest of the block, and two blocks of nothing. */
export const tailOf = (bytes: number): Buffer => Buffer.alloc(((512 - (bytes % 512)) % 512) + 1024)

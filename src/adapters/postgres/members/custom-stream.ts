import type { NotAnArchive } from '../archive/archive-header.ts'
import { fromGzip, fromZstd } from '../../unwrap/zlib.ts'
import type { Wanted } from '../../unwrap/unwrap.ts'
import type { Bytes } from '../../unwrap/unwrapping.ts'
import { customFrontOf, largeObjectsIn, type CustomFront } from './custom-front.ts'

/** Why the members are not a dump. */
export class MembersRefused extends Error {
  readonly hint: string

  constructor({ refused, hint }: NotAnArchive) {
    super(refused)
    this.hint = hint
  }
}

export type OpenMember = { readonly name: string; readonly bytes: Bytes }

/** The files of pg_dump -Ft or -Fd; one is read at a time. */
export interface Members {
  /** The first of these names that there is; null without one. */
  open(names: readonly string[]): Promise<OpenMember | null>
  /** Reads the rest. @throws MembersRefused for what was not opened and is not known to be of no use */
  end(): Promise<void>
}

const another = 'choose another dump'
/** A larger one is taken for a damaged one. */
const longestList = 256 * 1024 * 1024

/**
 * The dump in custom format that the members hold, as pg_dump would have written it to a pipe. All that reads, limits and
 * restores such a dump thus needs to know no other.
 * @param wanted for the start of it, header and table of contents
 * @throws MembersRefused
 */
export async function* customFrom(members: Members, name: string, wanted: Wanted): Bytes {
  const toc = await members.open(['toc.dat'])
  if (toc === null)
    throw new MembersRefused({ refused: 'it has no toc.dat, so it is not of pg_dump', hint: another })
  const front = customFrontOf(await wholeOf(toc))
  if ('refused' in front) throw new MembersRefused(front)
  yield front.bytes
  if (wanted === 'start') return
  const zero = front.int(0)
  for (const { id, of, members: names, copied } of front.blocks) {
    yield Buffer.concat([Buffer.from([of === 'table' ? 1 : 3]), front.int(id)])
    if (of === 'table') yield* chunksOf(await opened(members, names, name), front, copied ? endOfCopy : '')
    else {
      const list = await opened(members, names, name)
      const objects = largeObjectsIn((await wholeOf(list)).toString('latin1'))
      if (objects === null)
        throw new MembersRefused({
          refused: `its list ${list.name} of large objects is damaged`,
          hint: another,
        })
      for (const object of objects) {
        yield front.int(object.oid)
        yield* chunksOf(await opened(members, [object.member], name), front, '')
        yield zero
      }
    }
    yield zero
  }
  await members.end()
}

const compressions: { readonly [ending: string]: typeof fromGzip } = { '.gz': fromGzip, '.zst': fromZstd }

/** pg_dump -Fd compresses each file by itself. */
async function opened(members: Members, names: readonly string[], name: string): Promise<OpenMember> {
  const found = await members.open(
    names.flatMap((one) => ['', '.gz', '.zst', '.lz4'].map((ending) => `${one}${ending}`)),
  )
  if (found === null)
    throw new MembersRefused({
      refused: `it is incomplete: ${names.join(' or ')} is missing in it`,
      hint: another,
    })
  const ending = /\.(?:gz|zst|lz4)$/.exec(found.name)?.[0] ?? ''
  if (ending === '.lz4')
    throw new MembersRefused({
      refused: 'its files are compressed with lz4',
      hint: 'dump with --compress=gzip or --compress=zstd',
    })
  const decompress = compressions[ending]
  return decompress === undefined
    ? found
    : { ...found, bytes: decompress(found.bytes, { name: `${name}: ${found.name}` }) }
}

/** What dumpTableData_copy() of pg_dump.c writes behind the rows: pg_restore does not miss it in a truncated file. */
const endOfCopy = '\\.\n\n\n'

async function* chunksOf({ name, bytes }: OpenMember, { int }: CustomFront, end: string): Bytes {
  let last = ''
  for await (const part of bytes) {
    // A chunk without bytes would end the block.
    if (part.length === 0) continue
    last = `${last}${Buffer.from(part.subarray(-endOfCopy.length)).toString('latin1')}`.slice(
      -endOfCopy.length,
    )
    yield Buffer.concat([int(part.length), part])
  }
  if (!last.endsWith(end))
    throw new MembersRefused({ refused: `its ${name} is truncated: it has no end mark`, hint: another })
}

async function wholeOf({ name, bytes }: OpenMember): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of bytes) {
    length += part.length
    if (length > longestList)
      throw new MembersRefused({ refused: `its ${name} has more than ${longestList} bytes`, hint: another })
    parts.push(Uint8Array.from(part))
  }
  return Buffer.concat(parts)
}

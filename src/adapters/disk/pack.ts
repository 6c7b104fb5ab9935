import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, realpath, rename, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants as zstd, createGzip, createZstdCompress } from 'node:zlib'
import type { Packed, Packing } from '../../drivers/archives.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { syncFolder } from './durable.ts'
import { Members } from './members.ts'
import { blockBytes, blocksOf, gzipInParallel } from './parallel-gzip.ts'
import { statOf, trustParents } from './place.ts'
import { Shrunk, SmallFiles, smallBytes } from './small-files.ts'
import { packError, sourcesOf, type Source } from './source-tree.ts'
import { ArchiveRefused } from './tar-header.ts'
import { endMark, memberHeader, padding, type PackedMember } from './tar-member.ts'
import { fileError } from './errors.ts'

const chunkBytes = 256 * 1024
const setIdBits = 0o6000

/** See `Archives.pack`. Streams: memory holds the list of members and one chunk. */
export async function packTree(packing: Packing, to: string, scope: Scope): Promise<Packed> {
  const partial = `${to}.partial`
  if (packing.as.includes('/') || packing.as === '..' || packing.as === '') {
    throw new RunbookError('usage', `${JSON.stringify(packing.as)} is not a valid top folder of an archive`, {
      hint: 'give the name of one folder, or .',
    })
  }
  try {
    await trustParents(to)
    if ((await statOf(to)) !== null)
      throw cannot('pack into', to, 'already exists', {
        code: 'failed',
        hint: `check: ls -ld ${shellWord(to)}`,
      })
    const real = join(await realpath(dirname(to)), basename(to))
    const leaveOut = [real, `${real}.partial`]
    const { members, notes } = await sourcesOf(packing, leaveOut)
    await unlink(partial).catch(() => undefined)
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    await using file = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    const checked = new Members(packing.limits)
    const allNotes = [...notes]
    const hash = createHash('sha256')
    let size = 0
    const content = blocks(packing, members, { scope, checked, note: (line) => allNotes.push(line) })
    await pipeline(
      to.endsWith('.zst') ? blocksOf(content) : content,
      compression(packing, to),
      async (compressed: AsyncIterable<Buffer>) => {
        for await (const chunk of compressed) {
          hash.update(chunk)
          size += chunk.length
          await file.writeFile(chunk)
        }
      },
      { signal: scope.signal },
    )
    const facts = checked.facts()
    const changed = await changedSince(members, packing, leaveOut)
    await file.sync()
    await rename(partial, to)
    await syncFolder(dirname(to))
    return { ...facts, file: to, sha256: hash.digest('hex'), size, notes: allNotes, changed }
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    scope.signal.throwIfAborted()
    if (thrown instanceof ArchiveRefused) throw inextricable(packing, thrown)
    throw fileError('cannot pack into', to, thrown)
  }
}

async function changedSince(
  members: readonly Source[],
  packing: Packing,
  leaveOut: readonly string[],
): Promise<readonly string[]> {
  const before = new Map(members.map((member) => [member.path, stateOf(member)]))
  const now = await sourcesOf(packing, leaveOut).catch((thrown: unknown) => {
    if (thrown instanceof RunbookError) return null
    throw thrown
  })
  // What is there now could not even be packed.
  if (now === null) return ['.']
  const after = new Map(now.members.map((member) => [member.path, stateOf(member)]))
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .toSorted()
}

/** Folders without their times: those change with files that are excluded. */
const stateOf = ({ kind, at, facts }: Source): string =>
  [
    kind,
    at,
    facts.mode,
    facts.uid,
    facts.gid,
    ...(kind === 'file' ? [facts.size, facts.mtimeMs, facts.ctimeMs, facts.dev, facts.ino] : []),
  ].join(' ')

/**
 * By the ending of the name. Bytes that must be the same again come from a single stream of zlib at its default level, as
 * they always did.
 */
function compression({ dated }: Packing, to: string) {
  if (to.endsWith('.zst'))
    return createZstdCompress({ chunkSize: blockBytes, params: zstdParameters, ...oneAtATime })
  return dated === null ? gzipInParallel : createGzip({ chunkSize: chunkBytes })
}

/** Ended with chunks in its queue, Node's encoder adds an empty frame (nodejs/node#66078). */
const oneAtATime = { writableHighWaterMark: 1 }

/** The fastest level, and a checksum at the end of the frame, which the format leaves out by default. */
const zstdParameters = { [zstd.ZSTD_c_compressionLevel]: 1, [zstd.ZSTD_c_checksumFlag]: 1 }

/** See `ArchivesView.packable`. */
export async function requirePackable(packing: Packing, scope: Scope): Promise<void> {
  const checked = new Members(packing.limits)
  try {
    const { members } = await sourcesOf(packing, [])
    for (const source of members) {
      scope.signal.throwIfAborted()
      checked.admit(headerOf(memberOf(packing, source, source.facts)))
    }
    checked.facts()
  } catch (thrown) {
    scope.signal.throwIfAborted()
    throw thrown instanceof ArchiveRefused
      ? inextricable(packing, thrown)
      : fileError('cannot pack', packing.folder, thrown)
  }
}

const inextricable = ({ folder }: Packing, refused: ArchiveRefused): RunbookError =>
  packError(
    folder,
    `the archive could not be extracted: ${refused.message}`,
    refused.hint ?? 'rename or exclude it, or raise the limit',
  )

/** A member as extraction checks it. */
const headerOf = (member: PackedMember) => ({
  ...member,
  type: member.kind === 'file' ? '0' : '5',
  size: member.bytes,
  modified: member.modified.getTime() / 1000,
})

type PackContext = { readonly scope: Scope; readonly checked: Members; note(line: string): void }

async function* blocks(
  packing: Packing,
  sources: readonly Source[],
  { scope, checked, note }: PackContext,
): AsyncGenerator<Buffer> {
  const total = sources.reduce((bytes, { kind, facts }) => bytes + (kind === 'file' ? facts.size : 0), 0)
  let written = 0
  let done = 0
  const admitted = (source: Source, facts: Stats): Buffer => {
    const member = memberOf(packing, source, facts)
    // The same checks as on extraction, so that a refusal is found now.
    checked.admit(headerOf(member))
    if ((facts.mode & setIdBits) !== 0 && packing.dated === null)
      note(
        `${shellWord(source.path)} runs as its owner or group (mode ${(facts.mode & 0o7777).toString(8)}); those bits were dropped`,
      )
    return memberHeader(member)
  }
  const ended = (source: Source, facts: Stats, header: Buffer, after: Stats): Buffer => {
    const fill = padding(facts.size)
    written += header.length + facts.size + fill.length
    mustBeUnchanged(packing, source, { facts, after, note })
    return fill
  }
  const progressed = (chunk: Buffer): Buffer => {
    scope.signal.throwIfAborted()
    done += chunk.length
    scope.progress({ done, total: Math.max(total, done), unit: 'bytes' })
    return chunk
  }
  const turns = sources.map((source) => ({ ...source, isSmall: isSmall(source) }))
  const small = new SmallFiles(turns)
  try {
    for (const source of turns) {
      scope.signal.throwIfAborted()
      if (source.kind === 'folder') {
        const header = admitted(source, source.facts)
        written += header.length
        yield header
        continue
      }
      const read = await small.take(source)
      if (read !== null) {
        const header = admitted(source, read.before)
        yield header
        if (read.content.length > 0) yield progressed(read.content)
        const fill = ended(source, read.before, header, read.after)
        if (fill.length > 0) yield fill
        continue
      }
      await using file = await open(
        source.at,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      )
      const facts = await file.stat()
      if (!facts.isFile())
        throw packError(
          packing.folder,
          `${shellWord(source.path)} was replaced by something that is not a regular file`,
          'find out what writes there, then try again',
        )
      const header = admitted(source, facts)
      yield header
      for await (const chunk of contentOf(file, facts.size)) yield progressed(chunk)
      const fill = ended(source, facts, header, await file.stat())
      if (fill.length > 0) yield fill
    }
  } finally {
    await small.close()
  }
  yield endMark(written)
}

const isSmall = ({ kind, facts }: Source): boolean => kind === 'file' && facts.size <= smallBytes

/** Exactly the number of bytes in the header. @throws Shrunk if the file became shorter */
async function* contentOf(file: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes;) {
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(Math.min(chunkBytes, bytes - at)),
      0,
      null,
      at,
    )
    if (bytesRead === 0) throw new Shrunk()
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

function mustBeUnchanged(
  { folder, dated }: Packing,
  { path }: Source,
  { facts, after, note }: { readonly facts: Stats; readonly after: Stats } & Pick<PackContext, 'note'>,
): void {
  if (after.size === facts.size && after.mtimeMs === facts.mtimeMs) return
  if (dated !== null || after.size < facts.size) throw changed(folder, path)
  note(`${shellWord(path)} was written to while it was packed; its first ${facts.size} bytes were taken`)
}

const changed = (folder: string, path: string): RunbookError =>
  packError(
    folder,
    `${shellWord(path)} changed while it was being packed`,
    `find out what writes to it, then try again: lsof ${shellWord(join(folder, path))}`,
  )

function memberOf({ as, dated }: Packing, { path, kind }: Source, facts: Stats): PackedMember {
  const name = `${as}/${path}${kind === 'folder' && path !== '' ? '/' : ''}`
  const bytes = kind === 'file' ? facts.size : 0
  if (dated === null) {
    return {
      kind,
      name,
      bytes,
      mode: facts.mode & 0o1777,
      uid: facts.uid,
      gid: facts.gid,
      modified: new Date(Math.floor(facts.mtimeMs / 1000) * 1000),
    }
  }
  const mode = kind === 'folder' || (facts.mode & 0o100) !== 0 ? 0o755 : 0o644
  return { kind, name, bytes, mode, uid: 0, gid: 0, modified: new Date(dated) }
}

import { shellWord } from '../../kernel/shell-quote.ts'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { ArchiveFacts, ArchiveLimits, Archives, FoundMember } from '../../drivers/archives.ts'
import type { Scope } from '../../drivers/scope.ts'
import { excluded } from '../../formats/exclusion.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { sameJson } from '../../kernel/json.ts'
import { decryptWithAge, encryptWithAge } from './age.ts'
import { decryptWithGpg, type ArchiveTools } from './gpg-decrypt.ts'
import { syncFolder } from './durable.ts'
import { encryptWithGpg } from './gpg-encrypt.ts'
import { diskFiles } from './files.ts'
import { Members, type Member } from './members.ts'
import { packTree, requirePackable } from './pack.ts'
import { place, statOf, trustParents } from './place.ts'
import { SecondReader } from './second-reader.ts'
import { ArchiveRefused } from './tar-header.ts'
import { TarWalk } from './tar-walk.ts'
import { TreeWriter } from './tree-writer.ts'
import { mustBeVerified } from './verified-file.ts'
import { fileError } from './errors.ts'
import { decompress } from './decompress.ts'
import { unwrapFile } from './unwrap-file.ts'

/** Archives on this machine. An archive is read completely and checked before any of it is written. */
export function diskArchives(tools: ArchiveTools): Archives {
  const { scope } = tools
  return {
    async inspect(file, limits) {
      const at = place(file)
      return refusing(at, scope, async () => {
        await using archive = await openArchive(at)
        return (await readThrough(archive, limits, scope, 'check', () => ignore)).facts
      })
    },

    async find(file, limits, names) {
      const at = place(file)
      const found: FoundMember[] = []
      return refusing(at, scope, async () => {
        await using archive = await openArchive(at)
        await readThrough(archive, limits, scope, 'check', (member) =>
          member.kind === 'file' && excluded(basename(member.path), names)
            ? headOf(member, (one) => found.push(one))
            : ignore,
        )
        return found.toSorted((one, other) => (one.path < other.path ? -1 : 1))
      })
    },

    async extract(file, into, limits, sha256) {
      const [at, to] = [place(file), place(into)]
      return refusing(at, scope, async () => {
        await using archive = await openArchive(at)
        const inspected = await readThrough(archive, limits, scope, 'check', () => ignore)
        mustBeVerified(at, sha256, inspected.digest)
        await requireEmpty(to)
        await requireSpace(to, inspected.facts)
        return await intoFresh(to, async (fresh) => {
          const tree = new TreeWriter(fresh)
          try {
            const extracted = await readThrough(archive, limits, scope, 'extract', (member) => {
              return {
                begin: () => tree.begin(member),
                content: (bytes) => tree.content(bytes),
                end: () => tree.end(),
              }
            })
            if (extracted.digest !== inspected.digest || !sameJson(extracted.facts, inspected.facts)) {
              throw new ArchiveRefused(
                'it changed while it was being read',
                `find out what writes to it (lsof ${shellWord(at)}), then try again`,
              )
            }
          } finally {
            await tree.close()
          }
          await tree.seal()
          return inspected.facts
        })
      })
    },

    packable: (packing) => requirePackable({ ...packing, folder: place(packing.folder) }, scope),

    pack: (packing, to) => packTree({ ...packing, folder: place(packing.folder) }, place(to), scope),

    encrypt: (file, to, passphrase) =>
      (to.endsWith('.age') ? encryptWithAge : encryptWithGpg)(tools, place(file), place(to), passphrase),

    unwrap: (file, to, by) => unwrapFile(tools, place(file), place(to), by),

    decrypt: (file, to, passphrase, sha256) =>
      (file.endsWith('.age') ? decryptWithAge : decryptWithGpg)(
        tools,
        place(file),
        place(to),
        passphrase,
        sha256,
      ),
  }
}

type Reader = { begin(): Promise<void>; content(bytes: Buffer): Promise<void>; end(): Promise<void> }
const ignore: Reader = {
  begin: async () => undefined,
  content: async () => undefined,
  end: async () => undefined,
}

/** In bytes. */
const longestHead = 16 * 1024

/** Keeps the beginning of one file. */
function headOf({ path, bytes }: Member, keep: (found: FoundMember) => void): Reader {
  let head = Buffer.alloc(0)
  return {
    begin: async () => undefined,
    content: async (more) => {
      if (head.length < longestHead) head = Buffer.concat([head, more.subarray(0, longestHead - head.length)])
    },
    end: async () => keep({ path, head: head.toString(), complete: bytes <= longestHead }),
  }
}

/** Every rule is checked in both readings, so a file changed in between cannot cause unchecked writes. */
async function readThrough(
  archive: FileHandle,
  limits: ArchiveLimits,
  scope: Scope,
  doing: 'check' | 'extract',
  readerOf: (member: Member) => Reader,
): Promise<{ readonly facts: ArchiveFacts; readonly digest: string }> {
  const { chunks, digest } = decompress(archive)
  const walk = new TarWalk()
  const second = new SecondReader()
  const members = new Members(limits)
  let reader = ignore
  let done = 0
  // Bounds headers and padding too: a decompression bomb may consist of them alone.
  let overhead = limits.maxMembers * 4096 + 32 * 1024 * 1024
  for await (const chunk of chunks) {
    scope.signal.throwIfAborted()
    overhead -= chunk.length
    for (const found of walk.push(chunk)) {
      if (found.kind === 'member') {
        const member = members.admit(found.member)
        second.expect(found.member)
        reader = readerOf(member)
        await reader.begin()
      } else if (found.kind === 'raw') second.read(found.bytes)
      else if (found.kind === 'end of member') await reader.end()
      else {
        overhead += found.bytes.length
        done += found.bytes.length
        await reader.content(found.bytes)
      }
    }
    if (overhead < 0) throw new ArchiveRefused('it is larger than its members')
    if (doing === 'extract') scope.progress({ done, unit: 'bytes' })
  }
  walk.finish()
  const facts = members.facts()
  second.finish()
  return { facts, digest: digest() }
}

async function openArchive(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw cannot('read', path, 'not a regular file', {
    code: 'failed',
    hint: `check: ls -ld ${shellWord(path)}`,
  })
}

async function requireEmpty(into: string): Promise<void> {
  await trustParents(into)
  const there = await statOf(into)
  if (there === null) return
  if (there.isDirectory() && (await readdir(into)).length === 0) return
  const kind = there.isDirectory()
    ? 'a folder that is not empty'
    : there.isSymbolicLink()
      ? 'a symbolic link'
      : 'a file'
  throw cannot('extract to', into, `${kind} already exists`, {
    code: 'failed',
    hint: 'give a folder that is empty or does not exist',
  })
}

async function requireSpace(into: string, facts: ArchiveFacts): Promise<void> {
  const free = await diskFiles.freeBytes(into)
  if (free >= facts.bytes) return
  throw cannot('extract to', into, `no space is left: ${facts.bytes} bytes required, ${free} bytes free`, {
    code: 'failed',
    hint: `make room there (df -h ${shellWord(into)}), then try again`,
  })
}

/**
 * The folder gets its name once it is complete and durable; until then, and after a failure, it does not
 * exist.
 */
async function intoFresh<T>(into: string, fill: (fresh: string) => Promise<T>): Promise<T> {
  const fresh = `${into}.partial`
  await diskFiles.makeFolder(dirname(into))
  await diskFiles.removeTree(fresh)
  await mkdir(fresh, { mode: 0o700 })
  try {
    const result = await fill(fresh)
    await rename(fresh, into)
    await syncFolder(dirname(into))
    return result
  } catch (thrown) {
    await rm(fresh, { recursive: true, force: true }).catch(() => undefined)
    throw thrown
  }
}

async function refusing<T>(file: string, scope: Scope, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    scope.signal.throwIfAborted()
    if (!(thrown instanceof ArchiveRefused)) throw fileError('cannot unpack', file, thrown)
    throw new RunbookError('verification', `archive ${file} is refused: ${thrown.message}`, {
      hint: thrown.hint ?? 'use another backup, and keep this one for investigation',
    })
  }
}

import { shellWord } from '../../kernel/shell-quote.ts'
import { emptyHint } from '../../formats/empty-backup.ts'
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { mustBeDumpFolder } from '../disk/dump-folder.ts'
import { FolderStream, type ReadingOrder } from './folder-stream.ts'
import type { Bytes } from './unwrapping.ts'

/** The bytes of a dump, streamed into a program. */
export type DumpStream = {
  readonly stream: Readable
  /** Set once all bytes are read and the expected digest, if any, matches. */
  readonly read: () => { readonly bytes: number; readonly sha256: string } | null
}

/** Bytes in place of as many others, from a position of the file on. */
export type Patch = { readonly start: number; readonly bytes: Uint8Array }

const chunkBytes = 1024 * 1024
/** How many progress reports a file gives. */
const reports = 100

/**
 * Hashes while reading, and holds the last chunk back until the digest matches: a program that needs the end
 * of an archive cannot finish on other bytes.
 * @throws (the stream) RunbookError `verification` if the file is missing, or on a digest mismatch
 */
export function dumpStream(
  file: string,
  {
    expected,
    total,
    seen = () => undefined,
    patches = [],
    content = (raw) => raw,
    order,
  }: {
    readonly expected: string | null
    readonly total: number
    readonly seen?: (part: Uint8Array) => void
    /** What the program reads instead of some bytes of the file. */
    readonly patches?: readonly Patch[]
    /** Takes off what wraps the dump, or chooses what of it the program reads. `seen` and `patches` are about the result. */
    readonly content?: (raw: Bytes) => Bytes
    /** Of a folder of pg_dump -Fd, which is read as a tar archive. */
    readonly order?: ReadingOrder
  },
  scope: Pick<Scope, 'progress'>,
): DumpStream {
  let digest = (): string => ''
  let result: ReturnType<DumpStream['read']> = null

  let done = 0
  let reported = 0
  const counted = (part: Uint8Array): void => {
    done += part.length
    if (done - reported < total / reports || done >= total) return
    reported = done
    scope.progress({ done, total, unit: 'bytes' })
  }
  async function* raw(): Bytes {
    if (await isFolder(file)) {
      const folder = new FolderStream(file, order)
      digest = () => folder.digest()
      yield* folder.bytes(counted)
      return
    }
    const hash = createHash('sha256')
    digest = () => hash.digest('hex')
    await using handle = await open(file, 'r').catch((thrown: unknown) => {
      throw unreadable(file, thrown)
    })
    for await (const part of handle.createReadStream({
      highWaterMark: chunkBytes,
      autoClose: false,
    }) as AsyncIterable<Uint8Array>) {
      hash.update(part)
      counted(part)
      yield part
    }
  }

  async function* parts(): Bytes {
    const source = raw()
    let at = 0
    let last: Uint8Array | null = null
    try {
      for await (const part of content(source)) {
        seen(part)
        if (last !== null) yield last
        last = patched(part, at, patches)
        at += part.length
      }
    } finally {
      // Also where what unwraps it failed before it read anything.
      await source.return()
    }
    const sha256 = digest()
    if (expected !== null && sha256 !== expected) throw digestMismatch(file, expected, sha256)
    result = { bytes: done, sha256 }
    scope.progress({ done, total: Math.max(done, total), unit: 'bytes' })
    if (last !== null) yield last
  }

  return { stream: Readable.from(parts(), { objectMode: false }), read: () => result }
}

function patched(part: Uint8Array, at: number, patches: readonly Patch[]): Uint8Array {
  const touching = patches.filter(({ start, bytes }) => start < at + part.length && start + bytes.length > at)
  if (touching.length === 0) return part
  const copy = Uint8Array.from(part)
  for (const { start, bytes } of touching) {
    const from = Math.max(0, at - start)
    copy.set(bytes.subarray(from, at + part.length - start), Math.max(0, start - at))
  }
  return copy
}

/**
 * @throws RunbookError `verification` for a file that is missing, empty, not a regular file, or whose digest
 *   differs
 */
export async function mustMatchDigest(file: string, sha256: string, scope: Scope): Promise<void> {
  const { stream } = dumpStream(
    file,
    { expected: sha256, total: await dumpSize(file) },
    { progress: () => undefined },
  )
  for await (const _ of stream) scope.signal.throwIfAborted()
}

/** @throws RunbookError `verification` for a dump that is missing, empty or not a regular file */
export async function dumpSize(file: string): Promise<number> {
  const facts = await stat(file).catch((thrown: unknown) => {
    throw unreadable(file, thrown)
  })
  if (facts.isDirectory()) return (await mustBeDumpFolder(file)).bytes
  if (!facts.isFile())
    throw new RunbookError('verification', `dump ${file} is not a regular file`, {
      hint: 'choose another dump',
    })
  if (facts.size === 0)
    throw new RunbookError('verification', `${file} is empty (0 bytes)`, { hint: emptyHint })
  return facts.size
}

export const isFolder = async (file: string): Promise<boolean> =>
  stat(file).then(
    (facts) => facts.isDirectory(),
    () => false,
  )

const unreadable = (file: string, cause: unknown): RunbookError =>
  cannot('read', `dump ${file}`, null, {
    code: 'verification',
    cause,
    hint: `check: ls -l ${shellWord(file)}`,
  })

const digestMismatch = (file: string, expected: string, found: string): RunbookError =>
  new RunbookError(
    'verification',
    `checksum mismatch in dump ${file}: expected ${expected} (as inspected), found ${found}`,
    {
      hint: `find out what writes to the file (lsof ${shellWord(file)}), then start again`,
    },
  )

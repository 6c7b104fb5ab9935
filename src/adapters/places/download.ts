import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, rename, rm, statfs, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Writable } from 'node:stream'
import type { FetchedObject, Store, StoredDigest, StoredObject } from '../../drivers/places.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { syncFolder, writeDurably } from '../disk/durable.ts'
import { fileError } from '../disk/errors.ts'
import { addressOf, Replaced, type OpenStore } from './open-store.ts'

/** Tries in a row that bring no byte, until a lost connection fails the download. */
const fruitless = 3

type Download = {
  readonly store: Store
  readonly object: StoredObject
  readonly to: string
  readonly scope: Scope
  readonly clock: Pick<Clock, 'sleep'>
}

/**
 * Downloads an object into `TO.partial`, checks it and gives it its name. What a killed process left is continued
 * if it is of the same version.
 */
export async function download(from: OpenStore, of: Download): Promise<FetchedObject> {
  const { object, to } = of
  const partial = `${to}.partial`
  const digest = await from.digestOf(object)
  try {
    const file = await open(partial, 'a+', 0o600)
    try {
      const state = await begun(from, of, file, partial)
      const hashes = await hashesOf(digest, partial, state.bytes, of.scope)
      // What does not match may be another object by now, which is the better reason.
      const result = await received(from, of, { file, partial, hashes, resumedAt: state.bytes })
        .then((got) => mustMatch(of, digest, got))
        .catch((thrown: unknown) => {
          if (isFinal(thrown)) return thrown as RunbookError
          throw thrown
        })
      if (!(await from.unchanged(object))) throw new Replaced()
      if (typeof result !== 'string') throw result
      const when = new Date(object.modifiedAt)
      await file.utimes(when, when)
      await file.sync()
      await rename(partial, to)
      await syncFolder(dirname(to))
      await rm(stateOf(partial), { force: true })
      return { bytes: object.bytes, sha256: result, resumedAt: state.bytes }
    } finally {
      await file.close()
    }
  } catch (thrown) {
    of.scope.signal.throwIfAborted()
    if (thrown instanceof RunbookError && thrown.code !== 'verification') throw thrown
    if (thrown instanceof RunbookError || thrown instanceof Replaced)
      for (const left of [partial, stateOf(partial)]) await rm(left, { force: true })
    throw thrown instanceof Replaced
      ? refused(of, 'it was replaced while it was being downloaded', 'start again: the new one is then used')
      : fileError(`cannot download ${shellWord(object.key)} to`, to, thrown)
  }
}

/** Of which object a partial file is, so that bytes of two versions are never put together. */
const stateOf = (partial: string): string => `${partial}.json`

/** The bytes that can be kept of an earlier try; the partial file is cut to them. */
async function begun(
  from: OpenStore,
  { object, to }: Download,
  file: FileHandle,
  partial: string,
): Promise<{ readonly bytes: number }> {
  const identity = JSON.stringify({ key: object.key, version: object.version, bytes: object.bytes })
  const left = (await file.stat()).size
  const same = (await readFile(stateOf(partial), 'utf8').catch(() => null)) === identity
  const bytes = same && from.resumes && left <= object.bytes ? left : 0
  await file.truncate(bytes)
  if (!same) await writeDurably(stateOf(partial), Buffer.from(identity))
  const { bavail, bsize } = await statfs(dirname(to))
  if (bavail * bsize < object.bytes - bytes)
    throw new RunbookError(
      'failed',
      `cannot download ${shellWord(object.key)}: ${object.bytes - bytes} bytes are needed in ${shellWord(dirname(to))}, and ${bavail * bsize} are free`,
      { hint: `make room: df -h ${shellWord(dirname(to))}; the runbook prune removes old backups` },
    )
  return { bytes }
}

type Hash = ReturnType<typeof createHash>
type Hashes = {
  readonly algorithm: StoredDigest['algorithm']
  readonly sha256: Hash
  readonly other: Hash | null
}

const freshHashes = (algorithm: StoredDigest['algorithm']): Hashes => ({
  algorithm,
  sha256: createHash('sha256'),
  other: algorithm === 'sha256' ? null : createHash(algorithm),
})

/** Hashes that have seen what is in the partial file. */
async function hashesOf(
  digest: StoredDigest | null,
  partial: string,
  bytes: number,
  { signal }: Pick<Scope, 'signal'>,
): Promise<Hashes> {
  const hashes = freshHashes(digest?.algorithm ?? 'sha256')
  if (bytes > 0)
    for await (const chunk of createReadStream(partial, { end: bytes - 1, signal }))
      add(hashes, chunk as Buffer)
  return hashes
}

const add = ({ sha256, other }: Hashes, chunk: Uint8Array): void => {
  sha256.update(chunk)
  other?.update(chunk)
}

type Receiving = {
  readonly file: FileHandle
  readonly partial: string
  readonly hashes: Hashes
  readonly resumedAt: number
}
type Received = { readonly sha256: string; readonly other: string | null }

/** Receives the bytes that are still missing; a connection that is cut is tried again as long as bytes arrive. */
async function received(from: OpenStore, of: Download, into: Receiving): Promise<Received> {
  const { object, scope, clock } = of
  let { hashes } = into
  let done = into.resumedAt
  let vain = 0
  while (done < object.bytes) {
    if (done > 0 && !from.resumes) {
      await into.file.truncate(0)
      done = 0
      hashes = freshHashes(hashes.algorithm)
    }
    const start = done
    const sink = sinkOf(into, async (chunk) => {
      if (done + chunk.length > object.bytes)
        throw refused(of, `it is longer than the ${object.bytes} bytes that it had when it was listed`, again)
      await into.file.appendFile(chunk)
      add(hashes, chunk)
      done += chunk.length
      scope.progress({ done, total: object.bytes, unit: 'bytes' })
    })
    try {
      await from.send(object, start, sink.stream)
      if (done === object.bytes) break
      throw refused(of, `it is truncated: ${done} bytes instead of ${object.bytes}`, again)
    } catch (thrown) {
      await sink.idle()
      scope.signal.throwIfAborted()
      if (thrown instanceof Replaced) throw thrown
      if (sink.failure() !== null) throw sink.failure()
      vain = done > start && from.resumes ? 0 : vain + 1
      // What is complete and was still reported as failed is not continued.
      if (isFinal(thrown) || vain === fruitless || done === object.bytes) throw thrown
      scope.output(Buffer.from(`${messageOf(thrown)}; trying again from byte ${from.resumes ? done : 0}\n`))
      await clock.sleep((vain + 1) * 500, scope.signal)
    }
  }
  return { sha256: hashes.sha256.digest('hex'), other: hashes.other?.digest('hex') ?? null }
}

/** Another try cannot help: the object is not what it was, or it is refused. */
const isFinal = (thrown: unknown): boolean => thrown instanceof RunbookError && thrown.code === 'verification'

type Sink = {
  readonly stream: Writable
  readonly failure: () => unknown
  /** Waits for the write that was under way when the stream was destroyed: its bytes are in the file. */
  readonly idle: () => Promise<void>
}

/** A stream into `take`, which remembers why `take` failed: the sender only sees that its output was closed. */
function sinkOf({ partial }: Pick<Receiving, 'partial'>, take: (chunk: Buffer) => Promise<void>): Sink {
  let failure: unknown = null
  let writing = Promise.resolve()
  const taking = async (chunk: Buffer, next: (thrown?: Error) => void): Promise<void> => {
    try {
      await take(chunk)
    } catch (thrown) {
      failure = fileError('cannot write', partial, thrown)
      next(failure as Error)
      return
    }
    next()
  }
  const stream = new Writable({
    write(chunk: Buffer, _, next) {
      writing = taking(chunk, next)
    },
  })
  stream.on('error', () => undefined)
  return { stream, failure: () => failure, idle: () => writing }
}

const again = 'choose another backup, and find out why this one is not as it was uploaded'

/** @returns the SHA-256. @throws RunbookError `verification` where it is not what the place states */
function mustMatch(of: Download, digest: StoredDigest | null, got: Received): string {
  if (digest === null) return got.sha256
  const found = digest.algorithm === 'sha256' ? got.sha256 : got.other
  if (found !== digest.hex)
    throw refused(
      of,
      `its ${digest.algorithm.toUpperCase()} is ${found ?? 'unknown'}, and the place states ${digest.hex}`,
      again,
    )
  return got.sha256
}

const refused = ({ store, object }: Download, why: string, hint: string): RunbookError =>
  new RunbookError(
    'verification',
    `cannot download ${shellWord(object.key)} from ${addressOf(store)}: ${why}`,
    { hint },
  )

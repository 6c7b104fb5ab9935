import { shellWord } from '../../kernel/shell-quote.ts'
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { statOf } from '../disk/place.ts'
import { fileError } from '../disk/errors.ts'
import { syncFolder } from '../disk/durable.ts'

export type Fetched = { readonly bytes: number; readonly sha256: string }

/** Passes a download to `take`, chunk by chunk. @throws RunbookError `failed` if the connection is lost */
export async function receive(
  data: AsyncIterable<Uint8Array>,
  { scope, doing }: { readonly scope: Pick<Scope, 'signal' | 'progress'>; readonly doing: string },
  take: (chunk: Uint8Array) => Promise<unknown>,
): Promise<Fetched> {
  const hash = createHash('sha256')
  let bytes = 0
  const cutOff = (cause: unknown): RunbookError =>
    new RunbookError('failed', `cannot ${doing}: connection lost after ${bytes} bytes`, {
      hint: 'try again',
      cause,
    })
  for await (const chunk of chunksOf(data, (cause) => (scope.signal.throwIfAborted(), cutOff(cause)))) {
    hash.update(chunk)
    await take(chunk)
    bytes += chunk.length
    scope.progress({ done: bytes, unit: 'bytes' })
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Distinguishes a failure of the connection from a failure of the consumer. */
async function* chunksOf(
  data: AsyncIterable<Uint8Array>,
  failure: (cause: unknown) => RunbookError,
): AsyncGenerator<Uint8Array> {
  try {
    yield* data
  } catch (cause) {
    throw failure(cause)
  }
}

/** Writes to a partial file, syncs and renames it: after a power failure the file is complete or missing. */
export async function downloadTo(
  to: string,
  doing: string,
  work: (take: (chunk: Uint8Array) => Promise<unknown>) => Promise<Fetched>,
): Promise<Fetched> {
  const partial = `${to}.partial`
  if ((await statOf(to)) !== null)
    throw new RunbookError('failed', `cannot ${doing}: ${to} already exists`, {
      hint: `check: ls -l ${shellWord(to)}`,
    })
  try {
    await rm(partial, { force: true })
    const file = await open(partial, 'wx', 0o600)
    try {
      const fetched = await work((chunk) => file.writeFile(chunk))
      await file.sync()
      await rename(partial, to)
      await syncFolder(dirname(to))
      return fetched
    } finally {
      await file.close()
    }
  } catch (thrown) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw fileError(`cannot ${doing} into`, to, thrown)
  }
}

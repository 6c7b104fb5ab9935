import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { statOf } from '../disk/place.ts'
import { fileError } from '../disk/errors.ts'
import { syncFolder } from '../disk/durable.ts'

export type Fetched = { readonly bytes: number; readonly sha256: string }

/** Takes in what arrives, piece by piece. @throws RunbookError `failed` where it is cut off */
export async function drained(
  data: AsyncIterable<Uint8Array>,
  { scope, doing }: { readonly scope: Pick<Scope, 'signal' | 'progress'>; readonly doing: string },
  take: (piece: Uint8Array) => Promise<unknown>,
): Promise<Fetched> {
  const hash = createHash('sha256')
  let bytes = 0
  const cutOff = (cause: unknown): RunbookError =>
    new RunbookError('failed', `could not ${doing}: it was cut off after ${bytes} bytes`, {
      hint: 'try again',
      cause,
    })
  for await (const piece of arriving(data, (cause) => (scope.signal.throwIfAborted(), cutOff(cause)))) {
    hash.update(piece)
    await take(piece)
    bytes += piece.length
    scope.progress({ done: bytes, unit: 'bytes' })
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** A failure of the line, told apart from one of whoever takes the pieces. */
async function* arriving(
  data: AsyncIterable<Uint8Array>,
  failure: (cause: unknown) => RunbookError,
): AsyncGenerator<Uint8Array> {
  try {
    yield* data
  } catch (cause) {
    throw failure(cause)
  }
}

/** The file is there whole, or not at all, whenever the power fails. */
export async function intoFile(
  to: string,
  doing: string,
  work: (take: (piece: Uint8Array) => Promise<unknown>) => Promise<Fetched>,
): Promise<Fetched> {
  const partial = `${to}.partial`
  if ((await statOf(to)) !== null)
    throw new RunbookError('failed', `could not ${doing}: ${to} is there already`, {
      hint: `look: ls -l ${to}`,
    })
  try {
    await rm(partial, { force: true })
    const file = await open(partial, 'wx', 0o600)
    try {
      const fetched = await work((piece) => file.writeFile(piece))
      await file.sync()
      await rename(partial, to)
      await syncFolder(dirname(to))
      return fetched
    } finally {
      await file.close()
    }
  } catch (thrown) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw fileError(`could not ${doing} into`, to, thrown)
  }
}

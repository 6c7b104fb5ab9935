import type { Duplex } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { refusedWrapping, type Bytes, type Unwrapping } from './unwrapping.ts'

type Decoder = Duplex & { readonly bytesWritten: number }

const chunkSize = 256 * 1024

export const fromGzip = (wrapped: Bytes, { name }: Pick<Unwrapping, 'name'>): Bytes =>
  decoded(wrapped, 'gzip', () => createGunzip({ chunkSize }), name)

export const fromZstd = (wrapped: Bytes, { name }: Pick<Unwrapping, 'name'>): Bytes =>
  decoded(wrapped, 'zstd', () => createZstdDecompress({ chunkSize }), name)

/**
 * Both formats may have several members or frames in a row, and Node's decoders end without an error after the first
 * one that ends inside a chunk: the rest is given to a new decoder.
 */
async function* decoded(wrapped: Bytes, format: string, make: () => Decoder, name: string): Bytes {
  let rest: Uint8Array | null = await nextOf(wrapped)
  try {
    for (let first = true; rest !== null; first = false) {
      const decoder = make()
      const fed = feed(decoder, rest, wrapped)
      try {
        yield* decoder as AsyncIterable<Uint8Array>
      } catch (thrown) {
        const cause = fed.failure() ?? thrown
        if (cause !== thrown || !isOfDecoder(thrown)) throw cause
        throw refusedWrapping(
          name,
          isTruncation(thrown)
            ? `is truncated: its ${format} stream ends too early`
            : first
              ? `is damaged: its ${format} stream cannot be decompressed`
              : `has extra data after its ${format} stream`,
          thrown,
        )
      } finally {
        decoder.destroy()
        await fed.ended
      }
      rest = fed.left() ?? (await nextOf(wrapped))
    }
  } finally {
    await wrapped.return()
  }
}

/** Writes chunks until the decoder ends; what it did not take is left. */
function feed(
  decoder: Decoder,
  start: Uint8Array,
  wrapped: Bytes,
): { readonly ended: Promise<void>; left(): Uint8Array | null; failure(): unknown } {
  const given: Uint8Array[] = []
  let total = 0
  let failure: unknown = null
  let closed = false
  const close = new Promise<void>((resolve) =>
    decoder.once('close', () => {
      closed = true
      resolve()
    }),
  )
  const ended = (async () => {
    try {
      for (let chunk: Uint8Array | null = start; chunk !== null; chunk = await nextOf(wrapped)) {
        given.push(chunk)
        total += chunk.length
        if (closed || decoder.readableEnded) return
        while (given.length > 1 && total - lengthOf(given) + (given[0]?.length ?? 0) <= decoder.bytesWritten)
          given.shift()
        if (!decoder.write(chunk))
          await Promise.race([close, new Promise((resolve) => decoder.once('drain', resolve))])
        if (closed || decoder.readableEnded) return
      }
      decoder.end()
    } catch (thrown) {
      failure = thrown
      decoder.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  })()
  return {
    ended,
    failure: () => failure,
    left() {
      const left = Buffer.concat(given)
      const taken = decoder.bytesWritten - (total - left.length)
      return taken >= left.length ? null : left.subarray(taken)
    },
  }
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0)

async function nextOf(bytes: Bytes): Promise<Uint8Array | null> {
  for (;;) {
    const next = await bytes.next()
    if (next.done === true) return null
    if (next.value.length > 0) return next.value
  }
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

const isOfDecoder = (thrown: unknown): boolean => /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(codeOf(thrown))

const isTruncation = (thrown: unknown): boolean => codeOf(thrown) === 'Z_BUF_ERROR'

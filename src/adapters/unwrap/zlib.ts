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
async function* decoded(wrapped: Bytes, format: Format, make: () => Decoder, name: string): Bytes {
  const extra = `has extra data after its ${format} stream`
  let rest: Uint8Array | null = await nextOf(wrapped)
  try {
    for (let first = true; rest !== null; first = false) {
      if (!first && !beginsAs(format, rest)) throw refusedWrapping(name, extra)
      const decoder = make()
      const fed = feed(decoder, rest, wrapped)
      let bytes = 0
      try {
        for await (const part of decoder as AsyncIterable<Uint8Array>) {
          bytes += part.length
          yield part
        }
      } catch (thrown) {
        const cause = fed.failure() ?? thrown
        if (cause !== thrown || !isOfDecoder(thrown)) throw cause
        const early =
          format === 'gzip' && isTruncation(thrown)
            ? endsOneByteEarly(fed.tail(), bytes + decoder.readableLength)
            : 'no'
        const why =
          isBehindFirst(thrown) || early === 'yes'
            ? extra
            : !isTruncation(thrown)
              ? `is damaged: its ${format} stream cannot be decompressed`
              : early === 'perhaps'
                ? `is truncated or has extra data: its ${format} stream ends too early, or one byte follows it`
                : `is truncated: its ${format} stream ends too early`
        throw refusedWrapping(name, why, thrown)
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
): { readonly ended: Promise<void>; left(): Uint8Array | null; tail(): Buffer; failure(): unknown } {
  const given: Uint8Array[] = []
  let total = 0
  let tail = Buffer.alloc(0)
  let failure: unknown = null
  let closed = false
  let taken: Promise<void> = Promise.resolve()
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
        tail = Buffer.concat([tail, chunk.subarray(-tailLength)]).subarray(-tailLength)
        if (closed || decoder.readableEnded) return
        while (given.length > 1 && total - lengthOf(given) + (given[0]?.length ?? 0) <= decoder.bytesWritten)
          given.shift()
        let written: () => void = () => undefined
        taken = new Promise((resolve) => (written = resolve))
        if (!decoder.write(chunk, () => written()))
          await Promise.race([close, new Promise((resolve) => decoder.once('drain', resolve))])
        if (closed || decoder.readableEnded) return
      }
      // What is decoded together with the end is lost where the end is found too early.
      await Promise.race([close, taken])
      decoder.end()
    } catch (thrown) {
      failure = thrown
      decoder.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  })()
  return {
    ended,
    failure: () => failure,
    tail: () => tail,
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

/** RFC 1952 (gzip), RFC 8878 (zstd: a frame, or a skippable one of sixteen kinds). */
const starts = {
  gzip: [[0x1f, 0x8b]],
  zstd: [
    [0x28, 0xb5, 0x2f, 0xfd],
    ...Array.from({ length: 16 }, (_, kind) => [0x50 + kind, 0x2a, 0x4d, 0x18]),
  ],
}

type Format = keyof typeof starts

/** As far as the bytes go: there may be fewer than the format starts with. */
const beginsAs = (format: Format, bytes: Uint8Array): boolean =>
  starts[format].some((start) => start.every((byte, at) => at >= bytes.length || byte === bytes[at]))

/** The end of a gzip member, and one byte. */
const tailLength = 9

/**
 * Node begins another gzip member at any byte but zero, and then finds that it has only one. A member ends with its
 * length, which shows where it has ended. That of the last of several is less than what all of them held.
 */
function endsOneByteEarly(tail: Buffer, bytes: number): 'yes' | 'perhaps' | 'no' {
  if (tail.length < tailLength) return 'no'
  const length = tail.readUInt32LE(4)
  return length === bytes % 2 ** 32 ? 'yes' : length < bytes ? 'perhaps' : 'no'
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

const isOfDecoder = (thrown: unknown): boolean => /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(codeOf(thrown))

const isTruncation = (thrown: unknown): boolean => codeOf(thrown) === 'Z_BUF_ERROR'

/** The first one has a header, by which its format was recognised; so this is about a later one. */
const isBehindFirst = (thrown: unknown): boolean =>
  codeOf(thrown) === 'ZSTD_error_prefix_unknown' ||
  (codeOf(thrown) === 'Z_DATA_ERROR' &&
    thrown instanceof Error &&
    thrown.message === 'incorrect header check')

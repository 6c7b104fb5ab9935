import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)

export const blockBytes = 1024 * 1024
/** How far back a block may refer, into the one before it (RFC 1951). */
const windowBytes = 32 * 1024
/** Half the work of zlib's default of 6, for archives that are about 2 % larger. */
const level = 4
/** Node's thread pool has four threads, and reading files needs one of them. */
const together = 3

/**
 * Compresses to one gzip member (RFC 1952), with several blocks at a time in Node's thread pool: `tar -czf` uses
 * a single core. The bytes depend on the content alone, not on the number of cores.
 */
export async function* gzipInParallel(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const running: Promise<Buffer>[] = []
  let checksum = 0
  let length = 0
  let before: Buffer = Buffer.alloc(0)
  yield header
  try {
    for await (const block of blocksOf(source)) {
      checksum = crc32(block, checksum)
      length += block.length
      const one = compressed(block, before)
      // Its failure is thrown when its turn comes, which may be after others.
      one.catch(() => undefined)
      running.push(one)
      before = block.subarray(-windowBytes)
      if (running.length === together) yield await taken(running)
    }
    while (running.length > 0) yield await taken(running)
  } finally {
    await Promise.allSettled(running)
  }
  yield end(checksum, length)
}

/** Ends at a byte, without the mark of a last block, so that the next block can follow. */
const compressed = (block: Buffer, before: Buffer): Promise<Buffer> =>
  deflate(block, {
    level,
    // The result in one piece: each further one would be another turn of the thread pool.
    chunkSize: blockBytes + 4096,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(before.length > 0 ? { dictionary: before } : {}),
  })

async function taken(running: Promise<Buffer>[]): Promise<Buffer> {
  const first = await running[0]
  running.shift()
  return first ?? Buffer.alloc(0)
}

/** The same bytes in blocks of one size: a compressor takes a turn of the thread pool for each. */
export async function* blocksOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + blockBytes - bytes)
      parts.push(part)
      bytes += part.length
      at += part.length
      if (bytes < blockBytes) continue
      yield Buffer.concat(parts)
      parts = []
      bytes = 0
    }
  }
  if (bytes > 0) yield Buffer.concat(parts)
}

/** Deflate, no name, no time; made on Unix. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])

/** An empty last block, then checksum and length of the content. */
function end(checksum: number, length: number): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.set([3, 0])
  bytes.writeUInt32LE(checksum, 2)
  bytes.writeUInt32LE(length % 2 ** 32, 6)
  return bytes
}

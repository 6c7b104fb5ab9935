import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable, type Duplex } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ArchiveRefused } from './tar-header.ts'

/** One reading of an archive file from its first byte to its last. */
export type Decompressed = {
  readonly chunks: AsyncIterable<Buffer>
  /** SHA-256 of the file as it was read; to be asked for once the chunks are at their end. */
  digest(): string
}

const readBytes = 256 * 1024

const formats = [
  {
    name: 'gzip',
    magic: '1f8b',
    make: (): Duplex & { bytesWritten: number } => createGunzip({ chunkSize: readBytes }),
  },
  {
    name: 'zstd',
    magic: '28b52ffd',
    make: (): Duplex & { bytesWritten: number } => createZstdDecompress({ chunkSize: readBytes }),
  },
]
const foreign: { readonly [magic: string]: string } = {
  fd377a58: 'xz',
  '425a68': 'bzip2',
  '504b0304': 'zip',
  '04224d18': 'lz4',
}

/**
 * The bytes of a tar archive out of its compression, known by its first bytes and not by its name.
 * @throws ArchiveRefused while the chunks are read: for damage, and where anything at all follows the one compressed stream. Node's
 *   zstd decoder stops without a word after the first of two frames, its gzip decoder before zeros; and a file joined of two parts
 *   looks the same as one that somebody added to.
 */
export function decompress(file: FileHandle): Decompressed {
  const hash = createHash('sha256')
  const tail = Buffer.alloc(4)
  let length = 0

  async function* raw(): AsyncGenerator<Buffer> {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readBytes), 0, readBytes, length)
      if (bytesRead === 0) return
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      Buffer.concat([tail, chunk.subarray(-4)]).copy(tail, 0, Math.min(4, bytesRead))
      length += bytesRead
      yield chunk
    }
  }

  async function* chunks(): AsyncGenerator<Buffer> {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    const magic = buffer.toString('hex', 0, bytesRead)
    const other = Object.entries(foreign).find(([start]) => magic.startsWith(start))
    if (other !== undefined)
      throw new ArchiveRefused(
        `it is a ${other[1]} file, which is not supported`,
        'unpack it and pack it again as .tar.gz',
      )
    const format = formats.find((one) => magic.startsWith(one.magic))
    if (bytesRead === 0) throw new ArchiveRefused('it is empty')
    if (format === undefined) return yield* raw()
    const source = Readable.from(raw())
    const decoder = format.make()
    source.on('error', (error) => decoder.destroy(error)).pipe(decoder)
    let total = 0
    try {
      for await (const chunk of decoder as AsyncIterable<Buffer>) {
        total += chunk.length
        yield chunk
      }
    } catch (thrown) {
      const code =
        thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
      if (!/^(?:Z_|ZSTD_|ERR_ZSTD)/.test(code)) throw thrown
      throw new ArchiveRefused(
        code === 'Z_BUF_ERROR'
          ? `its ${format.name} stream is cut off`
          : `its ${format.name} stream is damaged`,
      )
    } finally {
      source.destroy()
      decoder.destroy()
    }
    // The last four bytes of a gzip member hold the length of its content, modulo 2^32 (RFC 1952).
    const joined = format.name === 'gzip' && tail.readUInt32LE() !== total % 2 ** 32
    if (decoder.bytesWritten !== (await file.stat()).size || joined) {
      throw new ArchiveRefused(
        `something follows its ${format.name} stream`,
        `if it was joined of parts on purpose, unpack it and pack it again in one`,
      )
    }
  }

  return { chunks: chunks(), digest: () => hash.digest('hex') }
}

import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable, type Duplex } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ArchiveRefused } from './tar-header.ts'

/** One pass over an archive file. */
export type Decompressed = {
  readonly chunks: AsyncIterable<Buffer>
  /** SHA-256 of the bytes read; call after the last chunk. */
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
 * Decompresses a tar archive; the format is detected by its first bytes, not its name.
 * @throws ArchiveRefused while reading, if the stream is damaged or anything follows it. Node's zstd decoder
 *   silently stops after the first frame, its gzip decoder before zeros; and concatenated files look like a
 *   file with added data.
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
        'extract it and pack it again as .tar.gz',
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
          ? `its ${format.name} stream is truncated`
          : `its ${format.name} stream is damaged`,
      )
    } finally {
      source.destroy()
      decoder.destroy()
    }
    // The last four bytes of a gzip member are the length of its content modulo 2^32 (RFC 1952).
    const joined = format.name === 'gzip' && tail.readUInt32LE() !== total % 2 ** 32
    if (decoder.bytesWritten !== (await file.stat()).size || joined) {
      throw new ArchiveRefused(
        `extra data after its ${format.name} stream`,
        'if it was concatenated on purpose, extract it and pack it again as one archive',
      )
    }
  }

  return { chunks: chunks(), digest: () => hash.digest('hex') }
}

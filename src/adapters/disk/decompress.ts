import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { RunbookError } from '../../kernel/errors.ts'
import { fromGzip, fromZstd } from '../unwrap/zlib.ts'
import { ArchiveRefused } from './tar-header.ts'

/** One pass over an archive file. */
export type Decompressed = {
  readonly chunks: AsyncIterable<Buffer>
  /** SHA-256 of the bytes read; call after the last chunk. */
  digest(): string
}

const readBytes = 256 * 1024
const headBytes = 512

const decoders = { '1f8b': fromGzip, '28b52ffd': fromZstd }
const foreign: { readonly [magic: string]: string } = {
  fd377a58: 'xz',
  '425a68': 'bzip2',
  '504b0304': 'zip',
  '04224d18': 'lz4',
}

/** The refusal of an encrypted file, by how it begins; null for another file. */
function encryptionOf(head: Buffer): ArchiveRefused | null {
  const text = head.toString('latin1')
  const refused = (what: string, hint: string): ArchiveRefused =>
    new ArchiveRefused(`it is encrypted, ${what}`, hint)
  const named = 'the name of a file that is decrypted ends in .gpg or .age'
  if (/^\s*-----BEGIN PGP MESSAGE-----/.test(text))
    return refused(
      'as OpenPGP text (gpg --armor)',
      'rename it so that its name ends in .gpg: it is then decrypted as it is',
    )
  if (text.startsWith('Salted__'))
    return refused(
      'by openssl enc',
      'decrypt it with openssl enc -d; archives that end in .gpg or .age are decrypted here',
    )
  if (/^age-encryption\.org\/|^-----BEGIN AGE/.test(text)) return refused('by age', named)
  // OpenPGP packets that begin an encrypted message: a session key of a passphrase or of a public key.
  const [first = 0, length = 0, version = 0] = head
  const oldForm = (first & 0xfc) === 0x8c || (first & 0xfc) === 0x84
  const newForm = first === 0xc3 || first === 0xc1
  if (
    (oldForm || newForm) &&
    length > 0 &&
    [3, 4, 5, 6].includes((first & 3) === 1 && oldForm ? (head[3] ?? 0) : version)
  )
    return refused('by gpg', named)
  return null
}

/**
 * Decompresses a tar archive; the format is detected by its first bytes, not its name.
 * @throws ArchiveRefused while reading, if the stream is damaged or anything follows it. Several gzip members (RFC 1952) or
 *   zstd frames (RFC 8878) are one stream; what follows the end mark of the archive in them is refused by its reader.
 */
export function decompress(file: FileHandle): Decompressed {
  const hash = createHash('sha256')
  let length = 0

  async function* raw(): AsyncGenerator<Buffer> {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readBytes), 0, readBytes, length)
      if (bytesRead === 0) return
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      length += bytesRead
      yield chunk
    }
  }

  async function* chunks(): AsyncGenerator<Buffer> {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    const magic = buffer.toString('hex', 0, Math.min(4, bytesRead))
    const encrypted = encryptionOf(buffer.subarray(0, bytesRead))
    if (encrypted !== null) throw encrypted
    const other = Object.entries(foreign).find(([start]) => magic.startsWith(start))
    if (other !== undefined)
      throw new ArchiveRefused(
        `it is a ${other[1]} file, which is not supported`,
        'extract it and pack it again as .tar.gz',
      )
    const decoder = Object.entries(decoders).find(([start]) => magic.startsWith(start))?.[1]
    if (bytesRead === 0) throw new ArchiveRefused('it is empty')
    if (decoder === undefined) return yield* raw()
    try {
      for await (const { buffer, byteOffset, byteLength } of decoder(raw(), { name: 'it' }))
        yield Buffer.from(buffer, byteOffset, byteLength)
    } catch (thrown) {
      if (!(thrown instanceof RunbookError) || thrown.code !== 'verification') throw thrown
      throw new ArchiveRefused(thrown.message)
    }
  }

  return { chunks: chunks(), digest: () => hash.digest('hex') }
}

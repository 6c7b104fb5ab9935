import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Encrypted } from '../../drivers/archives.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import { cannot, failureOf, type RunbookError } from '../../kernel/errors.ts'
import { withPackage } from '../environment/optional-packages.ts'
import type { ArchiveTools } from './gpg-decrypt.ts'
import { decrypted, encrypted, newHeader, type AgeHeader } from './age-file.ts'
import { digesting, digestSink, mustDecryptToSame } from './digest.ts'
import { mustBeOneLine } from './gpg-encrypt.ts'
import { sealedInto } from './sealed.ts'
import { systemCode } from './errors.ts'

/**
 * Encrypts to an age file (https://age-encryption.org/v1) with a passphrase, in chunks of 64 KiB, as `age
 * --passphrase`. The result is decrypted once to verify that it gives the bytes of the file.
 */
export async function encryptWithAge(
  tools: ArchiveTools,
  file: string,
  to: string,
  passphrase: SecretHandle,
): Promise<Encrypted> {
  const { scope } = tools
  const phrase = mustBeOneLine((await tools.secrets.reveal(passphrase)).reveal())
  return sealedInto({ doing: 'encrypt', file, to, scope }, async (partial) => {
    // Imported here because loading it takes longer than most commands.
    const { Decrypter, Encrypter } = await withPackage(
      'age-encryption',
      ['encrypt', file],
      () => import('age-encryption'),
    )
    const [encrypter, opener] = [new Encrypter(), new Decrypter()]
    encrypter.setPassphrase(phrase)
    opener.addPassphrase(phrase)
    if (tools.ageWork !== undefined) encrypter.setScryptWorkFactor(tools.ageWork)
    const header = await newHeader(encrypter, opener)
    const plain = digesting(createReadStream(file, reading))
    await pipeline(encrypted(header, plain.bytes), createWriteStream(partial, { flags: 'r+' }), {
      signal: scope.signal,
    })
    const written = digesting(createReadStream(partial, reading))
    const back = digestSink()
    const why = await pipeline(decrypted(opens(header), written.bytes), back.into, {
      signal: scope.signal,
    }).then(
      () => null,
      (thrown: unknown) => {
        if (systemCode(thrown) !== null || scope.signal.aborted) throw thrown
        return failureOf(thrown).message
      },
    )
    mustDecryptToSame(file, plain.digest(), back.digest(), why)
    const { sha256, bytes } = written.digest()
    return { file: to, sha256, size: bytes }
  })
}

const reading = { highWaterMark: 1024 * 1024 }

/** The header was opened when it was made, so its bytes prove that it opens: deriving the key takes a second. */
const opens =
  ({ bytes, fileKey }: AgeHeader) =>
  async (found: Buffer): Promise<Uint8Array> => {
    if (!found.equals(bytes)) throw new Error('invalid header')
    return fileKey
  }

/**
 * Every chunk is authenticated and the last one is marked, so a truncated file fails, even between two
 * chunks. What follows the last chunk is read as a part of it, so it fails the same way.
 * @throws RunbookError `verification`
 */
export async function decryptWithAge(
  tools: ArchiveTools,
  file: string,
  to: string,
  passphrase: SecretHandle,
): Promise<void> {
  const phrase = (await tools.secrets.reveal(passphrase)).reveal()
  await sealedInto({ doing: 'decrypt', file, to, scope: tools.scope }, async (partial) => {
    try {
      const { Decrypter } = await withPackage(
        'age-encryption',
        ['decrypt', file],
        () => import('age-encryption'),
      )
      const decrypter = new Decrypter()
      decrypter.addPassphrase(phrase)
      await pipeline(
        decrypted((header) => decrypter.decryptHeader(header), createReadStream(file, reading)),
        createWriteStream(partial, { flags: 'r+' }),
        { signal: tools.scope.signal },
      )
    } catch (thrown) {
      if (systemCode(thrown) !== null || tools.scope.signal.aborted) throw thrown
      throw ageError(file, failureOf(thrown).message)
    }
  })
}

/** Classifies an error of the library by its message, since it has no codes. */
export function ageError(file: string, message: string): RunbookError {
  if (message.startsWith('no identity matched')) {
    return cannot('decrypt', file, 'wrong passphrase, or not encrypted with a passphrase', {
      code: 'verification',
      hint: 'check the passphrase first',
    })
  }
  const why = /^invalid (?:version|header\b(?! HMAC))/.test(message)
    ? 'not an age file, or truncated at its start'
    : 'damaged or truncated, or with extra data after its end'
  return cannot('decrypt', file, `${why} (${message})`, {
    code: 'verification',
    hint: 'use another backup, and keep this one for investigation',
  })
}

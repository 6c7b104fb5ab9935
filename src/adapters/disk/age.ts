import { createReadStream, createWriteStream } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as Stream } from 'node:stream/web'
import type { Encrypted } from '../../drivers/archives.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import { cannot, failureOf, RunbookError } from '../../kernel/errors.ts'
import { withPackage } from '../environment/optional-packages.ts'
import type { ArchiveTools } from './gpg-decrypt.ts'
import { digestSink, digestOfFile, mustDecryptToSame } from './digest.ts'
import { mustBeOneLine } from './gpg-encrypt.ts'
import { sealedInto } from './sealed.ts'
import { systemCode } from './errors.ts'
import { whileVerified } from './verified-file.ts'

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
    const plain = await digestOfFile(file, scope)
    // Imported here because loading it takes longer than most commands.
    const { Encrypter } = await withPackage(
      'age-encryption',
      ['encrypt', file],
      () => import('age-encryption'),
    )
    const encrypter = new Encrypter()
    encrypter.setPassphrase(phrase)
    if (tools.ageWork !== undefined) encrypter.setScryptWorkFactor(tools.ageWork)
    await piped(tools, await encrypter.encrypt(streamOf(file)), createWriteStream(partial, { flags: 'r+' }))
    const back = digestSink()
    const why = await plainInto(tools, partial, phrase, back.into).then(
      () => null,
      (thrown: unknown) => {
        if (systemCode(thrown) !== null || scope.signal.aborted) throw thrown
        return failureOf(thrown).message
      },
    )
    mustDecryptToSame(file, plain, back.digest(), why)
    const { sha256, bytes } = await digestOfFile(partial, scope)
    return { file: to, sha256, size: bytes }
  })
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
  sha256?: string,
): Promise<void> {
  const phrase = (await tools.secrets.reveal(passphrase)).reveal()
  await sealedInto({ doing: 'decrypt', file, to, scope: tools.scope }, async (partial) => {
    try {
      await whileVerified(file, sha256, tools.scope, () =>
        plainInto(tools, file, phrase, createWriteStream(partial, { flags: 'r+' })),
      )
    } catch (thrown) {
      if (thrown instanceof RunbookError || systemCode(thrown) !== null || tools.scope.signal.aborted)
        throw thrown
      throw ageError(file, failureOf(thrown).message)
    }
  })
}

async function plainInto(tools: ArchiveTools, file: string, phrase: string, into: Writable): Promise<void> {
  const { Decrypter } = await withPackage('age-encryption', ['decrypt', file], () => import('age-encryption'))
  const decrypter = new Decrypter()
  decrypter.addPassphrase(phrase)
  await piped(tools, await decrypter.decrypt(streamOf(file)), into)
}

const streamOf = (file: string): ReadableStream<Uint8Array> =>
  Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>

const piped = (
  { scope: { signal } }: ArchiveTools,
  from: ReadableStream<Uint8Array>,
  into: Writable,
): Promise<void> => pipeline(Readable.fromWeb(from as Stream<Uint8Array>), into, { signal })

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

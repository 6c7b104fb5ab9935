import { createReadStream, createWriteStream } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as Stream } from 'node:stream/web'
import type { Encrypted } from '../../drivers/archives.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import { failureOf, RunbookError } from '../../kernel/errors.ts'
import type { ArchiveTools } from './gpg-decrypt.ts'
import { digestSink, digestOfFile, mustDecryptToSame } from './digest.ts'
import { mustBeOneLine } from './gpg-encrypt.ts'
import { sealedInto } from './sealed.ts'
import { systemCode } from './errors.ts'

/**
 * Encrypts to an age file (https://age-encryption.org/v1) by a passphrase, in pieces of 64 KiB, as `age --passphrase` does. Decrypted once
 * more, to nowhere: it must give back the very bytes of the file.
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
    // Loaded where it is used: it takes longer to load than most commands take.
    const { Encrypter } = await import('age-encryption')
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
 * Every piece is authenticated, and the last one says that it is: a file that is cut off, even between two pieces, does not end well.
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
      await plainInto(tools, file, phrase, createWriteStream(partial, { flags: 'r+' }))
    } catch (thrown) {
      if (systemCode(thrown) !== null || tools.scope.signal.aborted) throw thrown
      throw ageError(file, failureOf(thrown).message)
    }
  })
}

async function plainInto(tools: ArchiveTools, file: string, phrase: string, into: Writable): Promise<void> {
  const { Decrypter } = await import('age-encryption')
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

/** The library tells in words alone what it refuses. Pure. */
export function ageError(file: string, said: string): RunbookError {
  if (said.startsWith('no identity matched')) {
    return new RunbookError(
      'verification',
      `${file} could not be decrypted: the passphrase is wrong, or it was not encrypted with one`,
      { hint: 'check the passphrase first' },
    )
  }
  const why = /^invalid (?:version|header\b(?! HMAC))/.test(said)
    ? 'it is no age file, or cut off at its beginning'
    : 'it is damaged or cut off'
  return new RunbookError('verification', `${file} could not be decrypted: ${why} (${said})`, {
    hint: 'use another backup, and keep this one to find out what happened to it',
  })
}

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Decrypter, Encrypter } from 'age-encryption'

/*
 * Files of age (https://age-encryption.org/v1). The library makes and opens the header, which holds the key of the file
 * under the passphrase or identity; the content goes through Node's own cipher, several times as fast as the library's.
 */

type Bytes = AsyncIterable<Uint8Array>

const chunkBytes = 64 * 1024
const tagBytes = 16
const nonceBytes = 16
/** The library has no limit of its own; a passphrase needs 150 bytes, a recipient as many. */
const longestHeader = 1024 * 1024
const cipher = 'chacha20-poly1305'
const authenticated = { authTagLength: tagBytes }

/** A header that is known to open with what it was made for, and the key in it. */
export type AgeHeader = { readonly bytes: Buffer; readonly fileKey: Uint8Array }

/** @param opener of the same passphrase */
export async function newHeader(encrypter: Encrypter, opener: Decrypter): Promise<AgeHeader> {
  const empty = await encrypter.encrypt(new Uint8Array(0))
  const bytes = Buffer.from(empty.subarray(0, empty.length - nonceBytes - tagBytes))
  return { bytes, fileKey: await opener.decryptHeader(bytes) }
}

/** The whole file, header included. */
export async function* encrypted({ bytes, fileKey }: AgeHeader, plain: Bytes): AsyncGenerator<Buffer> {
  const nonce = randomBytes(nonceBytes)
  yield Buffer.concat([bytes, nonce])
  const key = payloadKey(fileKey, nonce)
  for await (const { chunk, number, last } of chunksOf(plain, chunkBytes)) {
    const sealing = createCipheriv(cipher, key, nonceOf(number, last), authenticated)
    yield Buffer.concat([sealing.update(chunk), sealing.final(), sealing.getAuthTag()])
  }
}

/**
 * The content of a file. Every chunk is authenticated, and the last one is marked: what is missing or added fails.
 * @param fileKeyOf opens the header
 * @throws Error in the words of the library
 */
export async function* decrypted(
  fileKeyOf: (header: Buffer) => Promise<Uint8Array>,
  file: Bytes,
): AsyncGenerator<Buffer> {
  const source = file[Symbol.asyncIterator]()
  try {
    const { header, rest } = await headerFrom(source)
    const fileKey = await fileKeyOf(header)
    const { start: nonce, rest: payload } = await take(nonceBytes, rest, source)
    const key = payloadKey(fileKey, nonce)
    for await (const { chunk, number, last } of chunksOf(following(payload, source), chunkBytes + tagBytes)) {
      if (chunk.length < tagBytes) throw new Error('the last chunk is truncated')
      const opening = createDecipheriv(cipher, key, nonceOf(number, last), authenticated)
      opening.setAuthTag(chunk.subarray(chunk.length - tagBytes))
      const plain = opening.update(chunk.subarray(0, chunk.length - tagBytes))
      try {
        opening.final()
      } catch (cause) {
        throw new Error('invalid tag', { cause })
      }
      if (last && number > 0 && plain.length === 0) throw new Error('final chunk is empty')
      yield plain
    }
  } finally {
    await source.return?.()
  }
}

const payloadKey = (fileKey: Uint8Array, nonce: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))

/** The number of the chunk, and a byte that marks the last one. */
function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = last ? 1 : 0
  return nonce
}

type Chunk = { readonly chunk: Buffer; readonly number: number; readonly last: boolean }

/** Pieces of one size; only the last is shorter, and empty where there is nothing at all. */
async function* chunksOf(source: Bytes, size: number): AsyncGenerator<Chunk> {
  let number = 0
  let held = Buffer.alloc(0)
  for await (const part of source) {
    let bytes = viewOf(part)
    if (held.length > 0) {
      const missing = size - held.length
      held = Buffer.concat([held, bytes.subarray(0, missing)])
      bytes = bytes.subarray(missing)
      if (bytes.length === 0) continue
      // More follows, so what is held is complete, and not the last.
      yield { chunk: held, number: number++, last: false }
    }
    for (; bytes.length > size; bytes = bytes.subarray(size))
      yield { chunk: bytes.subarray(0, size), number: number++, last: false }
    // Copied: the source may use its buffer again.
    held = Buffer.from(bytes)
  }
  yield { chunk: held, number, last: true }
}

const headerEnd = /\n---[^\n]*\n/

/** Up to the line with its checksum; what has no such line is left to the library, which says why it is none. */
async function headerFrom(
  source: AsyncIterator<Uint8Array>,
): Promise<{ readonly header: Buffer; readonly rest: Buffer }> {
  let bytes = Buffer.alloc(0)
  for (;;) {
    const end = headerEnd.exec(bytes.toString('latin1', 0, longestHeader))
    if (end !== null) {
      const length = end.index + end[0].length
      return { header: bytes.subarray(0, length), rest: bytes.subarray(length) }
    }
    const { done, value } = await source.next()
    if (done === true || bytes.length >= longestHeader) break
    bytes = Buffer.concat([bytes, value])
  }
  return { header: bytes, rest: Buffer.alloc(0) }
}

async function take(
  length: number,
  bytes: Buffer,
  source: AsyncIterator<Uint8Array>,
): Promise<{ readonly start: Buffer; readonly rest: Buffer }> {
  let taken = bytes
  while (taken.length < length) {
    const { done, value } = await source.next()
    if (done === true) throw new Error('stream ended before its nonce')
    taken = Buffer.concat([taken, value])
  }
  return { start: taken.subarray(0, length), rest: taken.subarray(length) }
}

async function* following(first: Buffer, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return
    yield value
  }
}

const viewOf = (part: Uint8Array): Buffer => Buffer.from(part.buffer, part.byteOffset, part.byteLength)

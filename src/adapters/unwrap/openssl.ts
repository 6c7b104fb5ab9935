import { createDecipheriv, createHash, pbkdf2 as pbkdf2WithCallback, type Decipheriv } from 'node:crypto'
import { promisify } from 'node:util'
import { startsLikeADump } from '../../formats/dumps/content.ts'
import { wrappingOf } from '../../formats/dumps/wrapping.ts'
import { refusedWrapping, type Bytes, type Unwrapping } from './unwrapping.ts'

const saltedBytes = 16
const blockBytes = 16
const keyBytes = 48

type Derive = (secret: string, salt: Buffer) => Buffer | Promise<Buffer>

const pbkdf2 = promisify(pbkdf2WithCallback)

const withRounds =
  (rounds: number): Derive =>
  (secret, salt) =>
    pbkdf2(secret, salt, rounds, keyBytes, 'sha256')

/** How openssl-enc(1) derives key and vector: `-pbkdf2`, what it does without, and `-iter`; the cheapest first. */
const derivations: readonly Derive[] = [
  withRounds(10_000),
  (secret, salt) => bytesToKey('sha256', secret, salt),
  (secret, salt) => bytesToKey('md5', secret, salt),
  withRounds(100_000),
  withRounds(600_000),
]

/** EVP_BytesToKey() with one round. */
function bytesToKey(algorithm: string, secret: string, salt: Buffer): Buffer {
  let [key, last] = [Buffer.alloc(0), Buffer.alloc(0)]
  while (key.length < keyBytes) {
    last = createHash(algorithm).update(last).update(secret, 'utf8').update(salt).digest()
    key = Buffer.concat([key, last])
  }
  return key.subarray(0, keyBytes)
}

const decipher = (derived: Buffer): Decipheriv =>
  createDecipheriv('aes-256-cbc', derived.subarray(0, 32), derived.subarray(32))

/**
 * Decrypts `openssl enc -aes-256-cbc`. The file says neither how its key was derived nor whether the passphrase is
 * right, so the first blocks must decrypt to something that is known. Nothing in it detects damage.
 */
export async function* fromOpenssl(wrapped: Bytes, { secret, name }: Unwrapping): Bytes {
  try {
    let start = Buffer.alloc(0)
    while (start.length < saltedBytes + 8 * blockBytes) {
      const next = await wrapped.next()
      if (next.done === true) break
      start = Buffer.concat([start, next.value])
    }
    const given = (await secret()) ?? ''
    const salt = start.subarray(8, saltedBytes)
    const body = start.subarray(saltedBytes)
    let derived: Buffer | undefined
    for (const derive of derivations) {
      const one = await derive(given, salt)
      const plain = decipher(one).update(body.subarray(0, body.length - (body.length % blockBytes)))
      if (wrappingOf(plain) === null && !startsLikeADump(plain)) continue
      derived = one
      break
    }
    if (derived === undefined)
      throw refusedWrapping(
        name,
        'cannot be decrypted: the passphrase is wrong, or it was not made by openssl enc -aes-256-cbc (with -pbkdf2, and -iter 10000, 100000 or 600000)',
      )
    const whole = decipher(derived)
    yield whole.update(body)
    for await (const part of wrapped) yield whole.update(part)
    let last: Buffer
    try {
      last = whole.final()
    } catch (thrown) {
      throw refusedWrapping(
        name,
        'is truncated or damaged, or has extra data after its end: its last block does not decrypt',
        thrown,
      )
    }
    if (last.length > 0) yield last
  } finally {
    await wrapped.return()
  }
}

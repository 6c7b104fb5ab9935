import { Readable } from 'node:stream'
import type { ReadableStream as Stream } from 'node:stream/web'
import { failureOf, RunbookError } from '../../kernel/errors.ts'
import { withPackage } from '../environment/optional-packages.ts'
import { refusedWrapping, type Bytes, type Unwrapping } from './unwrapping.ts'

/** Decrypts with a passphrase or an identity (`AGE-SECRET-KEY-1…`), in chunks that are authenticated one by one. */
export async function* fromAge(wrapped: Bytes, { secret, name }: Unwrapping): Bytes {
  let failure: unknown = null
  async function* source(): Bytes {
    try {
      yield* wrapped
    } catch (thrown) {
      failure = thrown
      throw thrown
    }
  }
  try {
    // Imported here because loading it takes longer than most commands.
    const { Decrypter } = await withPackage(
      'age-encryption',
      ['decrypt', name],
      () => import('age-encryption'),
    )
    const decrypter = new Decrypter()
    const given = (await secret()) ?? ''
    const identity = /^AGE-SECRET-KEY-\S+$/m.exec(given)?.[0]
    if (identity === undefined) decrypter.addPassphrase(given)
    else decrypter.addIdentity(identity)
    const stream = Readable.toWeb(
      Readable.from(unarmored(source()), { objectMode: false }),
    ) as ReadableStream<Uint8Array>
    const plain = await decrypter.decrypt(stream)
    yield* Readable.fromWeb(plain as Stream<Uint8Array>) as AsyncIterable<Uint8Array>
  } catch (thrown) {
    if (failure !== null) throw failure
    if (thrown instanceof RunbookError) throw thrown
    const { message } = failureOf(thrown)
    throw refusedWrapping(
      name,
      message.startsWith('no identity matched')
        ? 'cannot be decrypted: wrong passphrase or identity'
        : `is truncated or damaged, or has extra data after its end: age cannot decrypt all of it (${message})`,
      thrown,
    )
  } finally {
    await wrapped.return()
  }
}

const [begin, end] = ['-----BEGIN AGE ENCRYPTED FILE-----', '-----END AGE ENCRYPTED FILE-----']

/** Takes off the text form (age-encryption.org/v1: strict PEM), line by line; another file is passed on as it is. */
async function* unarmored(bytes: Bytes): Bytes {
  let text = ''
  let armored: boolean | null = null
  let ended = false
  for await (const part of bytes) {
    armored ??= Buffer.from(part.subarray(0, begin.length)).toString('latin1') === begin
    if (!armored) {
      yield part
      continue
    }
    text += Buffer.from(part).toString('latin1')
    const lines = text.split(/\r?\n/)
    text = lines.pop() ?? ''
    const body: string[] = []
    for (const line of lines) {
      if (ended && line.trim() !== '') throw new Error('extra data after its end')
      if (line === end) ended = true
      else if (line !== begin && !ended) body.push(line)
    }
    if (body.length > 0) yield Buffer.from(body.join(''), 'base64')
  }
  if (armored === true && (ended ? text.trim() !== '' : text !== end))
    throw new Error(ended ? 'extra data after its end' : 'its end is missing')
}

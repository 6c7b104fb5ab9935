import { shellWord } from '../../kernel/shell-quote.ts'
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { hashOf } from './file-hash.ts'

export type Digest = { readonly sha256: string; readonly bytes: number }

/** The digest of a regular file. Links are followed, since the operator gives the path. */
export async function digestOfFile(file: string, scope: Scope): Promise<Digest> {
  await using source = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await source.stat()).isFile())
    throw cannot('read', file, 'not a regular file', {
      code: 'failed',
      hint: `check: ls -ld ${shellWord(file)}`,
    })
  return await hashOf(source, null, scope)
}

/** A stream that keeps only the digest of its input. */
export function digestSink(): { readonly into: Writable; digest(): Digest } {
  const hash = createHash('sha256')
  let bytes = 0
  const into = new Writable({
    write(chunk: Buffer, _, done) {
      hash.update(chunk)
      bytes += chunk.length
      done()
    },
  })
  return { into, digest: () => ({ sha256: hash.digest('hex'), bytes }) }
}

/**
 * Checks that the encrypted file decrypts to the bytes of the original.
 * @param why decrypting failed; null if it succeeded
 * @throws RunbookError `verification`
 */
export function mustDecryptToSame(file: string, plain: Digest, back: Digest, why: string | null): void {
  if (why === null && plain.bytes === back.bytes && plain.sha256 === back.sha256) return
  throw new RunbookError(
    'verification',
    `${file} was not encrypted correctly: ${why === null ? 'decrypting it gives other bytes' : `it cannot be decrypted again (${why})`}`,
    { hint: 'check that no process writes to it and that the disk is not full, then try again' },
  )
}

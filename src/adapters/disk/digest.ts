import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { hashOf } from './file-hash.ts'

export type Digest = { readonly sha256: string; readonly bytes: number }

/** Of a regular file. Links are followed, for a file is read where the operator names it. */
export async function digestOfFile(file: string, scope: Scope): Promise<Digest> {
  await using source = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await source.stat()).isFile())
    throw new RunbookError('failed', `could not read ${file}: it is no regular file`, {
      hint: `look: ls -ld ${file}`,
    })
  return await hashOf(source, null, scope)
}

/** A sink that keeps nothing but the digest of what it is given. */
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
 * What was encrypted must give back the very bytes of the file.
 * @param why it could not be decrypted again; null where it could
 * @throws RunbookError `verification`
 */
export function mustDecryptToSame(file: string, plain: Digest, back: Digest, why: string | null): void {
  if (why === null && plain.bytes === back.bytes && plain.sha256 === back.sha256) return
  throw new RunbookError(
    'verification',
    `${file} was not encrypted whole: ${why === null ? 'decrypted again, it is not what the file holds' : `it cannot be decrypted again (${why})`}`,
    {
      hint: 'see that nobody writes to it and that the disk is not full, then try again',
    },
  )
}

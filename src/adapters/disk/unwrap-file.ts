import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Unwrapped, Unwrapping } from '../../drivers/archives.ts'
import type { Wrapping } from '../../drivers/wrapping.ts'
import { contentIn } from '../unwrap/content.ts'
import { dumpSize, dumpStream } from '../unwrap/dump-stream.ts'
import { unwrapWith } from '../unwrap/unwrap.ts'
import type { ArchiveTools } from './gpg-decrypt.ts'
import { sealedInto } from './sealed.ts'

/** Takes every compression and encryption off a file, as a stream. */
export async function unwrapFile(
  tools: ArchiveTools,
  file: string,
  to: string,
  { sha256: expected, passphrase }: Unwrapping,
): Promise<Unwrapped> {
  const { scope } = tools
  const total = await dumpSize(file)
  return sealedInto({ doing: 'unpack', file, to, scope }, async (partial) => {
    const hash = createHash('sha256')
    let bytes = 0
    let wrapped: readonly Wrapping[] = []
    const wrappedFile = { file, ...(passphrase === null ? {} : { decrypt: passphrase }) }
    const content = contentIn(unwrapWith(tools), wrappedFile, scope, (found) => {
      wrapped = found.wrapped
    })
    const seen = (part: Uint8Array): void => {
      hash.update(part)
      bytes += part.length
    }
    const { stream } = dumpStream(file, { expected, total, content, seen }, scope)
    await pipeline(stream, createWriteStream(partial, { flags: 'r+' }), { signal: scope.signal })
    return { file: to, sha256: hash.digest('hex'), bytes, wrapped }
  })
}

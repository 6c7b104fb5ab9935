import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Scope } from '../../drivers/scope.ts'

const chunkBytes = 1 << 20

/**
 * SHA-256 of an open file from its start, optionally copying it. Reads chunks of 1 MiB, so neither memory nor
 * the event loop depends on its size.
 */
export async function hashOf(
  file: FileHandle,
  to: FileHandle | null,
  scope: Scope,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const total = (await file.stat()).size
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let done = 0
  for (;;) {
    scope.signal.throwIfAborted()
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, done)
    if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes: done }
    const piece = chunk.subarray(0, bytesRead)
    hash.update(piece)
    await to?.writeFile(piece)
    done += bytesRead
    scope.progress({ done, total: Math.max(total, done), unit: 'bytes' })
  }
}

import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Scope } from '../../drivers/scope.ts'

const chunkBytes = 1 << 20

/** SHA-256 of an open file from its start, in pieces of 1 MiB, so that neither memory nor the event loop feels its size. */
export async function hashOf(file: FileHandle, bytes: number, scope: Scope): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let done = 0
  for (;;) {
    scope.signal.throwIfAborted()
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, done)
    if (bytesRead === 0) break
    hash.update(chunk.subarray(0, bytesRead))
    done += bytesRead
    scope.progress({ done, total: bytes, unit: 'bytes' })
  }
  return hash.digest('hex')
}

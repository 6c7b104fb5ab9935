import { open } from 'node:fs/promises'
import { wholeLines } from '../log-lines.ts'

/** The last whole lines of a file, at most so many bytes; empty where there is none, or where nothing was written for so long. */
export async function logTail(file: string, maxBytes: number, writtenSince: Date): Promise<string> {
  const handle = await open(file, 'r').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null
    throw thrown
  })
  if (handle === null) return ''
  try {
    const { size, mtime } = await handle.stat()
    if (mtime < writtenSince) return ''
    const from = Math.max(0, size - maxBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    return wholeLines(buffer.subarray(0, bytesRead), from > 0)
  } finally {
    await handle.close()
  }
}

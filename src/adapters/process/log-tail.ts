import { open } from 'node:fs/promises'
import { wholeLines } from './log-lines.ts'

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

/** What was added to a file after its first `from` bytes, the last `maxBytes` of it. */
export async function logFrom(file: string, from: number, maxBytes: number): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const start = Math.max(from, size - maxBytes)
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(Math.max(0, size - start)),
      0,
      Math.max(0, size - start),
      start,
    )
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await handle.close()
  }
}

/** The line in which a program that gave up most likely says why; its last one where none looks like that. */
export function complaintIn(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return (
    lines.findLast((line) => /^[\w.]*(error|exception)\b.*:|^(panic|fatal)\b/i.test(line)) ??
    lines.at(-1) ??
    ''
  )
}

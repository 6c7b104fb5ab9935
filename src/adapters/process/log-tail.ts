import { open } from 'node:fs/promises'
import { completeLines } from './log-lines.ts'

/**
 * The last complete lines of a file, at most `maxBytes`. Empty if the file is missing or unchanged since that
 * time.
 */
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
    return completeLines(buffer.subarray(0, bytesRead), from > 0)
  } finally {
    await handle.close()
  }
}

/** The last `maxBytes` of what was appended to a file after its first `from` bytes. */
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

/**
 * The last line that looks like an error, or else the last line: where a program that exited usually says
 * why.
 */
export function errorLine(text: string): string {
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

import { open } from 'node:fs/promises'

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

/** Cut at the front, the first line is not whole. */
export function wholeLines(bytes: Uint8Array, cut: boolean): string {
  const text = Buffer.from(bytes).toString()
  return cut ? text.slice(text.indexOf('\n') + 1) : text
}

/** `name | line`, as Compose shows logs. */
export function labelled(name: string, text: string): string {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => `${name} | ${line}\n`).join('')
}

import { sanitize } from '../kernel/sanitize.ts'

/** The bytes of a log as text that is safe to print: bytes that are not UTF-8 are shown as `\xff`. */
export function plainBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shown: string[] = []
  let from = 0
  for (let here = 0; here < buffer.length;) {
    const length = characterLength(buffer, here)
    if (length === 0) {
      shown.push(
        buffer.toString('utf8', from, here),
        `\\x${(buffer[here] ?? 0).toString(16).padStart(2, '0')}`,
      )
      from = here + 1
    }
    here += Math.max(1, length)
  }
  return sanitize([...shown, buffer.toString('utf8', from)].join('').replaceAll('\r\n', '\n'))
}

/** Length in bytes of the UTF-8 character at this offset; 0 where there is none (RFC 3629, section 4). */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  const text = bytes.subarray(at, at + length)
  return length > 0 && text.length === length && Buffer.from(text.toString('utf8')).equals(text) ? length : 0
}

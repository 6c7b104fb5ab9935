/**
 * The text of a container's log without a terminal, as the Engine API sends it: frames of one byte for the
 * stream, three unused, four for the length (big-endian), then the text. Keeps both streams in order, and a
 * truncated last frame.
 */
export function textOfFrames(bytes: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 4)
    parts.push(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return Buffer.concat(parts).toString()
}

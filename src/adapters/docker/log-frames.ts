/**
 * The text of a container's log as the Engine API sends it where there is no terminal: frames of one byte for the stream, three of
 * nothing, four for the length (big-endian), and so much text. Both streams are kept, in order; half a frame at the end is kept too.
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

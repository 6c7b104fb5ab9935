/** Drops the first line of a text that lost its beginning, since that line is incomplete. */
export function completeLines(bytes: Uint8Array, cut: boolean): string {
  const text = Buffer.from(bytes).toString()
  return cut ? text.slice(text.indexOf('\n') + 1) : text
}

/** The last complete lines of a text, at most `maxBytes`. */
export function lastLines(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= maxBytes ? text : completeLines(bytes.subarray(bytes.length - maxBytes), true)
}

/** `name | line`, as Compose shows logs. */
export function labelled(name: string, text: string): string {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => `${name} | ${line}\n`).join('')
}

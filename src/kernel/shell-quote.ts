/**
 * Quotes a file name as one shell word for messages and hints: it can be pasted, and no newline or escape
 * code in it reaches the terminal. This text is never executed.
 */
export function shellWord(text: string): string {
  if (/^[\w./:@%+=,-]+$/.test(text)) return text
  // oxlint-disable-next-line no-control-regex
  if (!/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(text))
    return `'${text.replaceAll("'", String.raw`'\''`)}'`
  const escaped = text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) =>
      ({ '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` })[character] ??
      String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `$'${escaped}'`
}

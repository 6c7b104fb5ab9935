/** Columns of a screen; null where lines may be of any length, such as in a file. */
export type Width = number | null

/**
 * Breaks a text between words; later lines are indented. A word that is longer than the screen stays as it is, and
 * so does what is in backquotes, so that paths and commands can be copied.
 */
export function wrapped(text: string, width: Width, indent = ''): readonly string[] {
  if (width === null || text.length <= width) return [text]
  const lines: string[] = []
  let line = ''
  // The indentation of the text is kept; an even number of backquotes follows what is outside of them.
  for (const word of text.split(/(?<=\S) (?=(?:[^`]*`[^`]*`)*[^`]*$)/)) {
    if (line === '') line = word
    else if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = `${indent}${word.trimStart()}`
    }
  }
  return [...lines, line]
}

/** Facts after one another, as many on a line as fit; a fact is broken only where it fits on no line. */
export function packed(facts: readonly string[], width: Width): readonly string[] {
  const lines: string[] = []
  for (const fact of facts) {
    const last = lines.at(-1)
    if (last !== undefined && (width === null || `${last}; ${fact}`.length <= width))
      lines[lines.length - 1] = `${last}; ${fact}`
    else lines.push(...wrapped(fact, width, '  '))
  }
  return lines
}

/** A command to type follows two spaces at least, or stands alone: on more lines than one it could not be copied. */
const hasCommand = /^(?:.*\S {2,}| *)(?:npx )?runbook /

/** Breaks the lines of a text that are too long for the screen; the rest of such a line is indented further than its beginning. */
export function fitted(text: string, width: Width): string {
  if (width === null) return text
  return text
    .split('\n')
    .flatMap((line) => {
      if (line.length <= width || hasCommand.test(line)) return [line]
      const indent = /^ *(?:[-·→?✖✔!◼] |\d+\. )?/.exec(line)?.[0].length ?? 0
      return wrapped(line, width, ' '.repeat(Math.min(indent + 2, Math.floor(width / 2))))
    })
    .join('\n')
}

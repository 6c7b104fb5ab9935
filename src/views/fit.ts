/** Columns of a screen; null where lines may be of any length, such as in a file. */
export type Width = number | null

/**
 * Breaks a text between words; later lines are indented. What is to be typed or copied is never broken: a word that is
 * longer than the screen, what is in backquotes, and a command.
 */
export function wrapped(text: string, width: Width, indent = ''): readonly string[] {
  if (width === null || text.length <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of unbroken(text)) {
    if (line === '') line = word
    else if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = `${indent}${word.trimStart()}`
    }
  }
  return [...lines, line]
}

/** Programs that are called by a word, such as `docker ps`, and by an option or a path alone, such as `ls -l`. */
const byWord = 'runbook|npx|npm|docker|git|apt-get|systemctl|loginctl|openssl|getent'
const byOption =
  'cat|chmod|chown|cp|crontab|curl|df|find|findmnt|fuser|gpg|journalctl|kill|ls|lsof|mkdir|mountpoint|mv|namei|pg_dump|ps|quota|rclone|realpath|rm|sqlite3|ss|tail|touch|ulimit|umount'

/** A command in a sentence begins after a label, a parenthesis, "or" or "then", and ends with its part of the sentence. */
const command = new RegExp(
  String.raw`(?<=^ *|: |\(| {2}| (?:or|then) )(?:(?:${byWord}) [a-z-]|(?:${byOption}) [-/~.'"$])(?:(?!; |, |\)| or | then |\. ).)*`,
  'g',
)

/** Without the spaces between them; those at the beginning belong to the first. */
function unbroken(text: string): readonly string[] {
  // An even number of backquotes follows what is outside of them.
  const words = text.split(/(?<=\S) (?=(?:[^`]*`[^`]*`)*[^`]*$)/)
  const commands = [...text.matchAll(command)].map(({ index, 0: { length } }) => ({
    from: index,
    to: index + length,
  }))
  const joined: string[] = []
  let at = 0
  for (const word of words) {
    const isWithin = commands.some(({ from, to }) => from < at && at < to)
    if (isWithin) joined[joined.length - 1] += ` ${word}`
    else joined.push(word)
    at += word.length + 1
  }
  return joined
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

/** A command to type follows two spaces at least, or stands alone: such a line is one to copy. */
const hasCommand = /^(?:.*\S {2,}| *)(?:npx )?runbook /

/** Breaks the lines of a text that are too long for the screen; the rest of such a line is indented further than its beginning. */
export function fitted(text: string, width: Width): string {
  if (width === null) return text
  return text
    .split('\n')
    .flatMap((line) => {
      if (line.length <= width || hasCommand.test(line)) return [line]
      return (
        labelled(line, width) ?? wrapped(line, width, ' '.repeat(Math.min(marked(line) + 2, half(width))))
      )
    })
    .join('\n')
}

/** The rest of such as `Target:  shop` begins below what the label names, or below the label where that is too narrow. */
function labelled(line: string, width: number): readonly string[] | null {
  const [label] = /^ *(?!\d+\. )\S+(?: \S+)* {2,}(?=\S)/.exec(line) ?? []
  if (label === undefined) return null
  const rest = line.slice(label.length)
  const longest = Math.max(...unbroken(rest).map(({ length }) => length))
  if (label.length <= half(width) && label.length + longest <= width)
    return wrapped(line, width, ' '.repeat(label.length))
  const indent = ' '.repeat(Math.min(marked(line) + 2, half(width)))
  return [label.trimEnd(), ...wrapped(`${indent}${rest}`, width, indent)]
}

const half = (width: number): number => Math.floor(width / 2)

/** Where a line begins behind its indentation and its mark. */
const marked = (line: string): number => /^ *(?:[-·→?✖✔!◼] |\d+\. )?/.exec(line)?.[0].length ?? 0

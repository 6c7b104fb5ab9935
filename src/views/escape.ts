/**
 * Text of unknown origin, made harmless where people read it: no control sequence reaches a terminal, no character hides or reorders
 * others, and Markdown and HTML stay text. What is kept on disk stays as it was.
 */

// Controls (C0, DEL, C1), characters that reorder or hide text, separators that break lines, lone surrogates, private use, unassigned.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu

/** One line: `\x1b`, `\n`, `\u{202e}` stand for what they are. */
export function visible(text: string): string {
  return text.replace(unseen, written)
}

/** Many lines: line ends and tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(unseen, (character) => (character === '\n' || character === '\t' ? character : written(character)))
}

function written(character: string): string {
  const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
  if (known !== undefined) return known
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/** Bytes of a log. What is no UTF-8 is shown byte by byte. */
export function visibleBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shown: string[] = []
  let from = 0
  for (let here = 0; here < buffer.length; ) {
    const length = characterLength(buffer, here)
    if (length === 0) {
      shown.push(visibleLines(buffer.toString('utf8', from, here)), `\\x${(buffer[here] ?? 0).toString(16).padStart(2, '0')}`)
      from = here + 1
    }
    here += Math.max(1, length)
  }
  return [...shown, visibleLines(buffer.toString('utf8', from))].join('')
}

/** Bytes of the UTF-8 character that begins here; 0 where none does (RFC 3629, section 4). */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  const text = bytes.subarray(at, at + length)
  return length > 0 && text.length === length && Buffer.from(text.toString('utf8')).equals(text) ? length : 0
}

/** Words in running Markdown: nothing in them is markup or a link, and no table, list, heading or code begins in them. */
export function words(text: string): string {
  return visible(text)
    .trimStart()
    .replace(/[\\`*_{}[\]<>|~&#$]/g, String.raw`\$&`)
    .replace(/^([-+=]|\d+[.)])/, (mark: string) => `${mark.slice(0, -1)}\\${mark.slice(-1)}`)
    .replace(/\b(https?|ftp|mailto|xmpp):/gi, String.raw`$1\:`)
    .replace(/\bwww\./gi, String.raw`www\.`)
}

/** A value, in a code span: no markup, no link, no mention comes to life in it. */
export function code(text: string): string {
  const shown = visible(text)
  if (shown.trim() === '') return shown === '' ? '(empty)' : '(blank)'
  const fence = fenceFor(shown, 1)
  const pad = shown.startsWith('`') || shown.endsWith('`') || (shown.startsWith(' ') && shown.endsWith(' ')) ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}

/** A value in a cell of a table, where a bar ends the cell even within code unless a single backslash stands before it. */
export function cell(text: string): string {
  return code(text.replace(/(\\?)\|/g, (_, slash: string) => (slash === '' ? String.raw`\|` : String.raw`\\x7c`)))
}

/** Many lines, in a fenced block that nothing inside can close. */
export function block(text: string, language = ''): string {
  const shown = visibleLines(text).replace(/\n+$/, '')
  const fence = fenceFor(shown, 3)
  return `${fence}${language}\n${shown}\n${fence}`
}

function fenceFor(text: string, least: number): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  return '`'.repeat(Math.max(least, longest + 1))
}

import { oneLine, sanitize } from '../kernel/sanitize.ts'

const entities: { readonly [character: string]: string } = { '<': '&lt;', '>': '&gt;', '&': '&amp;' }

/**
 * Escapes text for Markdown: none of it becomes markup, a link (not even a bare address), a table cell or
 * HTML.
 */
export function markdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]<>|#~&$]/g, (found) => entities[found] ?? `\\${found}`)
    .replace(
      /^(\s*)([-+=]|\d+[.)](?=\s|$))/,
      (_, space: string, mark: string) => `${space}${mark.slice(0, -1)}\\${mark.slice(-1)}`,
    )
    .replace(/\b(https?|ftp|mailto|xmpp):/gi, String.raw`$1\:`)
    .replace(/\bwww\./gi, String.raw`www\.`)
}

/** Escapes text for a quoted Mermaid label, which supports only entity codes. */
export function mermaid(text: string): string {
  return oneLine(text).replace(/["#;<>&`\\]/g, (found) => `#${found.charCodeAt(0)};`)
}

/** A value in a code span: no markup, link or mention in it takes effect. */
export function code(text: string): string {
  const shown = oneLine(text)
  if (shown.trim() === '') return shown === '' ? '(empty)' : '(blank)'
  const fence = fenceFor(shown, 1)
  const pad =
    shown.startsWith('`') || shown.endsWith('`') || (shown.startsWith(' ') && shown.endsWith(' ')) ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}

/**
 * A value in a table cell, where a bar ends the cell even in a code span unless one backslash precedes it.
 */
export function cell(text: string): string {
  return code(
    text.replace(/(\\?)\|/g, (_, slash: string) => (slash === '' ? String.raw`\|` : String.raw`\\u007c`)),
  )
}

/** Several lines in a fenced block that their content cannot close. */
export function block(text: string, language = ''): string {
  const shown = sanitize(text.replaceAll('\r\n', '\n')).replace(/\n+$/, '')
  const fence = fenceFor(shown, 3)
  return `${fence}${language}\n${shown}\n${fence}`
}

function fenceFor(text: string, least: number): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  return '`'.repeat(Math.max(least, longest + 1))
}

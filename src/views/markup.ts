import { line } from '../kernel/plain.ts'

/** As Markdown reads it back: nothing of the text becomes markup, a link, a table cell or HTML. */
export function markdown(text: string): string {
  return line(text)
    .replace(/[\\`*_{}[\]<>|#~]/g, (found) => (found === '<' ? '&lt;' : found === '>' ? '&gt;' : `\\${found}`))
    .replace(/^(\s*)([-+]|\d+\.)(\s)/, '$1\\$2$3')
}

/** Inside a quoted Mermaid label, which knows only entity codes. */
export function mermaid(text: string): string {
  return line(text).replace(/["#;<>&`\\]/g, (found) => `#${found.charCodeAt(0)};`)
}

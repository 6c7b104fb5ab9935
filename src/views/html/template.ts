import { html as template, raw } from 'hono/html'
import { sanitize } from '../../kernel/sanitize.ts'

/** A piece of HTML; only `fragment`, `rawStyle` and `rawScript` make one. */
export type Html = { readonly isEscaped: true; toString(): string }

/** What a template may contain. Strings are escaped; null is left out. */
export type Part = string | number | null | Html | readonly Part[]

/**
 * A template that escapes what is put in, so that no text becomes markup, and shows invisible and reordering
 * characters as escapes. Values of attributes have to be quoted. It is not called `html`, since formatters
 * change the white space of templates with that name.
 */
export function fragment(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const made = template(strings, ...parts.map(visible))
  // Only a part that is a promise makes another one, and `Part` has none.
  if (made instanceof Promise) throw new TypeError('a template contains a promise')
  return made as unknown as Html
}

const visible = (part: Part): unknown =>
  typeof part === 'string' ? sanitize(part) : Array.isArray(part) ? part.map(visible) : part

/** A style of this program, which is not escaped: its digest is in the policy of the page. */
export const rawStyle = (text: string): Html => raw(`<style>${text}</style>`) as unknown as Html

/** A script of this program, as above. */
export const rawScript = (text: string): Html => raw(`<script>${text}</script>`) as unknown as Html

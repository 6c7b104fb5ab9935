import { block as fenced, cell, code as span, markdown } from './markup.ts'

/**
 * Text within a line. A string may come from outside, so every rendering escapes it; `literal` is for text of
 * this program that Markdown would escape although it cannot act as markup where it is.
 */
export type Inline =
  | string
  | { readonly literal: string }
  | { readonly code: string }
  | { readonly strong: Inline }
  | { readonly link: string; readonly label: Inline }
  | readonly Inline[]

export type Block =
  | { readonly kind: 'paragraph'; readonly text: Inline }
  | { readonly kind: 'list'; readonly items: readonly Inline[] }
  | {
      readonly kind: 'table'
      readonly head: readonly Inline[]
      readonly rows: readonly (readonly Inline[])[]
      /** One more column, where pictures can be drawn. */
      readonly bars?: Bars
    }
  | { readonly kind: 'verbatim'; readonly text: string; readonly language: string }

/** A bar for each row of a table, and a line at the limit. Lengths in seconds. */
export type Bars = {
  readonly title: string
  readonly lengths: readonly (number | null)[]
  readonly limit: number | null
}

export type Section = { readonly title: string; readonly blocks: readonly Block[] }

/** A report without a format, so that report.md and report.html contain the same. */
export type Document = {
  readonly title: Inline
  /** What comes before the first heading. */
  readonly lead: readonly Block[]
  /** In order; those without blocks are left out. */
  readonly sections: readonly Section[]
}

export const code = (text: string): Inline => ({ code: text })
export const strong = (text: Inline): Inline => ({ strong: text })
export const literal = (text: string): Inline => ({ literal: text })
export const paragraph = (...text: readonly Inline[]): Block => ({ kind: 'paragraph', text })
export const list = (items: readonly Inline[]): Block => ({ kind: 'list', items })
export const verbatim = (text: string, language: string): Block => ({ kind: 'verbatim', text, language })
export const table = (head: readonly Inline[], rows: readonly (readonly Inline[])[]): Block => ({
  kind: 'table',
  head,
  rows,
})

export function documentAsMarkdown({ title, lead, sections }: Document): string {
  const parts = [
    `# ${inline(title)}`,
    ...lead.map(blockAsMarkdown),
    ...sections
      .filter(({ blocks }) => blocks.length > 0)
      .flatMap((section) => [`## ${section.title}`, ...section.blocks.map(blockAsMarkdown)]),
  ]
  return `${parts.join('\n\n')}\n`
}

function blockAsMarkdown(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return inline(block.text)
    case 'list':
      return block.items.map((item) => `- ${inline(item)}`).join('\n')
    case 'table':
      return [block.head, block.head.map(() => literal('---')), ...block.rows]
        .map((cells) => `| ${cells.map((one) => inline(one, cell)).join(' | ')} |`)
        .join('\n')
    case 'verbatim':
      return fenced(block.text, block.language)
  }
}

function inline(text: Inline, codeAs: (text: string) => string = span): string {
  if (typeof text === 'string') return markdown(text)
  if ('literal' in text) return text.literal
  if ('code' in text) return codeAs(text.code)
  if ('strong' in text) return `**${inline(text.strong, codeAs)}**`
  if ('link' in text) return `[${inline(text.label, codeAs)}](${text.link})`
  return text.map((one) => inline(one, codeAs)).join('')
}

import { fromMarkdown } from 'mdast-util-from-markdown'
import type { Nodes, PhrasingContent } from 'mdast'

/** A heading, or a paragraph that is nothing but bold text, as many documents use it. */
export type Heading = { readonly title: string; readonly depth: number; readonly line: number }

/** Where a part stands in the document. */
export type Place = {
  /** From 1. */
  readonly line: number
  /** From the top of the document to the heading above. */
  readonly headings: readonly Heading[]
  /** The line of the item of a numbered list or checklist that it is in: one act of the procedure. Null outside. */
  readonly item: number | null
}

export type Part = Place &
  (
    | { readonly kind: 'heading'; readonly text: string; readonly depth: number }
    | { readonly kind: 'prose'; readonly text: string }
    /** A block of code; its line is that of its first line of code. */
    | { readonly kind: 'code'; readonly text: string; readonly language: string | null }
    /** Code within a paragraph. */
    | { readonly kind: 'inline'; readonly text: string }
  )

/** Below every heading that Markdown itself has. */
const boldDepth = 7

/** Reads CommonMark into what matters in a procedure: headings, prose and code, each with its line. */
export function partsOf(markdown: string): readonly Part[] {
  const parts: Part[] = []
  let headings: readonly Heading[] = []

  const heading = (title: string, depth: number, line: number): void => {
    headings = [...headings.filter((above) => above.depth < depth), { title, depth, line }]
    parts.push({ kind: 'heading', text: title, depth, line, headings, item: null })
  }

  const paragraph = (children: readonly PhrasingContent[], line: number, within: Within): void => {
    const [only] = children
    if (children.length === 1 && only?.type === 'strong' && !within.list)
      return heading(textOf(only).replace(/:$/, ''), boldDepth, line)
    const written = children.map(textOf).join('')
    const text = written.replace(task, '')
    const item = within.item ?? (within.list && text !== written ? line : null)
    parts.push({ kind: 'prose', text, item, line, headings })
    for (const code of children.flatMap(codesIn)) parts.push({ kind: 'inline', headings, item, ...code })
  }

  const visit = (node: Nodes, within: Within): void => {
    const line = node.position?.start.line ?? 1
    if (node.type === 'heading') heading(node.children.map(textOf).join(''), node.depth, line)
    else if (node.type === 'paragraph') paragraph(node.children, line, within)
    else if (node.type === 'code') {
      const first = isFenced(node.position?.start.offset ?? 0, markdown) ? line + 1 : line
      const { item } = within
      parts.push({ kind: 'code', text: node.value, language: node.lang ?? null, line: first, headings, item })
    } else if (node.type === 'list') {
      const counts = node.ordered === true || within.item !== null
      for (const child of node.children)
        visit(child, { list: true, item: counts ? (child.position?.start.line ?? 1) : null })
    } else if ('children' in node) for (const child of node.children) visit(child, within)
  }
  visit(fromMarkdown(markdown), { list: false, item: null })
  return parts
}

/** Whether it is in a list, and the item of a numbered one. */
type Within = { readonly list: boolean; readonly item: number | null }

/** The box of an item of a checklist. */
const task = /^\[[ xX]\] /

const isFenced = (offset: number, markdown: string): boolean =>
  /^(```|~~~)/.test(markdown.slice(offset, offset + 3))

function textOf(node: Nodes): string {
  if (node.type === 'break') return '\n'
  if ('value' in node) return node.value
  return 'children' in node ? node.children.map(textOf).join('') : ''
}

function codesIn(node: Nodes): readonly { readonly text: string; readonly line: number }[] {
  if (node.type === 'inlineCode') return [{ text: node.value, line: node.position?.start.line ?? 1 }]
  return 'children' in node ? node.children.flatMap(codesIn) : []
}

const isNumbered = ({ title }: Heading): boolean => /^(step\s+)?\d+[.):]/i.test(title)

/**
 * The heading of the procedure that a part belongs to: the nearest one that is not a numbered step. Bold paragraphs
 * divide a document only if it has no other headings.
 */
export function procedureOf({ headings }: Pick<Place, 'headings'>): Heading | null {
  const real = headings.filter(({ depth }) => depth < boldDepth)
  const candidates = real.length > 0 ? real : headings
  return candidates.findLast((heading) => !isNumbered(heading)) ?? candidates[0] ?? null
}

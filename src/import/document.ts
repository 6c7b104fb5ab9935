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
}

export type Part = Place &
  (
    | { readonly kind: 'heading'; readonly text: string; readonly depth: number }
    /** A paragraph; `item` if it is the text of a list item. */
    | { readonly kind: 'prose'; readonly text: string; readonly item: boolean }
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
    parts.push({ kind: 'heading', text: title, depth, line, headings })
  }

  const paragraph = (children: readonly PhrasingContent[], line: number, item: boolean): void => {
    const [only] = children
    if (children.length === 1 && only?.type === 'strong' && !item)
      return heading(textOf(only).replace(/:$/, ''), boldDepth, line)
    const text = children
      .map(textOf)
      .join('')
      .replace(/^\[[ xX]\] /, '')
    parts.push({ kind: 'prose', text, item, line, headings })
    for (const code of children.flatMap(codesIn)) parts.push({ kind: 'inline', headings, ...code })
  }

  const visit = (node: Nodes, item: boolean): void => {
    const line = node.position?.start.line ?? 1
    if (node.type === 'heading') heading(node.children.map(textOf).join(''), node.depth, line)
    else if (node.type === 'paragraph') paragraph(node.children, line, item)
    else if (node.type === 'code') {
      const first = isFenced(node.position?.start.offset ?? 0, markdown) ? line + 1 : line
      parts.push({ kind: 'code', text: node.value, language: node.lang ?? null, line: first, headings })
    } else if ('children' in node)
      for (const child of node.children) visit(child, item || node.type === 'listItem')
  }
  visit(fromMarkdown(markdown), false)
  return parts
}

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
export function procedureOf({ headings }: Place): Heading | null {
  const real = headings.filter(({ depth }) => depth < boldDepth)
  const candidates = real.length > 0 ? real : headings
  return candidates.findLast((heading) => !isNumbered(heading)) ?? candidates[0] ?? null
}

import { oneLine, sanitize } from '../kernel/sanitize.ts'
import { columns } from './columns.ts'
import type { Block, Document, Inline } from './document.ts'
import { wrapped } from './fit.ts'

const margin = '  '

/** A document for a screen: its Markdown has tables that no terminal is wide enough for. Text from outside has no effect. */
export function documentAsText({ title, lead, sections }: Document, width: number): string {
  const within = width - margin.length
  const body = (blocks: readonly Block[]): readonly string[] =>
    blocks.flatMap((block) => ['', ...linesOf(block, within).map((line) => `${margin}${line}`.trimEnd())])
  return [
    ...wrapped(plain(title), width, margin),
    ...body(lead),
    ...sections
      .filter(({ blocks }) => blocks.length > 0)
      .flatMap((section) => ['', section.title, ...body(section.blocks).slice(1)]),
    '',
  ].join('\n')
}

function linesOf(block: Block, width: number): readonly string[] {
  switch (block.kind) {
    case 'paragraph':
      return wrapped(plain(block.text), width)
    case 'list':
      return block.items.flatMap((item) => wrapped(`- ${plain(item)}`, width, margin))
    case 'table': {
      const rows = [block.head, ...block.rows].map((row) => row.map(plain))
      return block.head.length === 2 ? pairs(rows, width) : columns(rows, width)
    }
    case 'verbatim':
      return sanitize(block.text.replace(/\n+$/, '')).split('\n')
  }
}

/** Names and values, as the first row is, too: a narrow screen would repeat it for each. */
function pairs(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const widest = Math.min(Math.max(...rows.map(([name = '']) => name.length)), Math.floor(width / 2))
  return rows.flatMap(([name = '', value = '']) =>
    wrapped(`${name.padEnd(widest)}  ${value}`, width, ' '.repeat(widest + 2)),
  )
}

function plain(text: Inline): string {
  if (typeof text === 'string') return oneLine(text)
  if ('literal' in text) return text.literal
  if ('code' in text) return text.code.trim() === '' ? '(blank)' : oneLine(text.code)
  if ('strong' in text) return plain(text.strong)
  if ('link' in text) return `${plain(text.label)} (${oneLine(text.link)})`
  return text.map(plain).join('')
}

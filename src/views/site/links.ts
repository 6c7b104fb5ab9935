import type { Block, Inline, Section } from '../document.ts'

/** A report names the files beside it; on a page elsewhere their addresses begin with their folder. */
export const linkedFrom = (folder: string, sections: readonly Section[]): readonly Section[] =>
  sections.map(({ title, blocks }) => ({ title, blocks: blocks.map((block) => inBlock(folder, block)) }))

function inBlock(folder: string, block: Block): Block {
  switch (block.kind) {
    case 'paragraph':
      return { ...block, text: inText(folder, block.text) }
    case 'list':
      return { ...block, items: block.items.map((item) => inText(folder, item)) }
    case 'table':
      return { ...block, rows: block.rows.map((row) => row.map((cell) => inText(folder, cell))) }
    case 'verbatim':
      return block
  }
}

function inText(folder: string, text: Inline): Inline {
  if (typeof text === 'string' || 'literal' in text || 'code' in text) return text
  if ('strong' in text) return { strong: inText(folder, text.strong) }
  if ('link' in text) return { ...text, link: `${folder}/${text.link}` }
  return text.map((one) => inText(folder, one))
}

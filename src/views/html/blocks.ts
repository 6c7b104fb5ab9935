import { oneLine } from '../../kernel/sanitize.ts'
import type { Block, Inline, Section } from '../document.ts'
import { barsAsHtml } from './drawing.ts'
import { fragment, type Html } from './template.ts'

export function inlineAsHtml(text: Inline): Html {
  if (typeof text === 'string') return fragment`${oneLine(text)}`
  if ('literal' in text) return fragment`${text.literal}`
  if ('code' in text)
    return fragment`<code>${text.code.trim() === '' ? '(blank)' : oneLine(text.code)}</code>`
  if ('strong' in text) return fragment`<strong>${inlineAsHtml(text.strong)}</strong>`
  if ('link' in text) return fragment`<a href="${text.link}">${inlineAsHtml(text.label)}</a>`
  return fragment`${text.map(inlineAsHtml)}`
}

export function blockAsHtml(block: Block): Html {
  switch (block.kind) {
    case 'paragraph':
      return fragment`<p>${inlineAsHtml(block.text)}</p>\n`
    case 'list':
      return fragment`<ul>\n${block.items.map((item) => fragment`<li>${inlineAsHtml(item)}</li>\n`)}</ul>\n`
    case 'table': {
      const drawn = block.bars === undefined ? [] : barsAsHtml(block.bars)
      const title =
        block.bars === undefined ? [] : [fragment`<th scope="col" class="track">${block.bars.title}</th>`]
      const head = row([
        ...block.head.map((cell) => fragment`<th scope="col">${inlineAsHtml(cell)}</th>`),
        ...title,
      ])
      const rows = block.rows.map((cells, index) =>
        row([
          ...cells.map((cell) => fragment`<td>${inlineAsHtml(cell)}</td>`),
          ...drawn.slice(index, index + 1).map((bar) => fragment`<td class="track">${bar}</td>`),
        ]),
      )
      return fragment`<table>\n<thead>\n${head}</thead>\n<tbody>\n${rows}</tbody>\n</table>\n`
    }
    case 'verbatim':
      return fragment`<pre>${block.text.replace(/\n+$/, '')}</pre>\n`
  }
}

const row = (cells: readonly Html[]): Html => fragment`<tr>${cells}</tr>\n`

/** Headings are of this program, so their ids are plain and unique. */
export function sectionAsHtml(title: string, content: readonly Html[]): Html {
  const id = title.toLowerCase().replaceAll(/[^a-z]+/g, '-')
  return fragment`<section aria-labelledby="${id}">\n<h2 id="${id}">${title}</h2>\n${content}</section>\n`
}

export const sectionsAsHtml = (sections: readonly Section[]): readonly Html[] =>
  sections
    .filter(({ blocks }) => blocks.length > 0)
    .map(({ title, blocks }) => sectionAsHtml(title, blocks.map(blockAsHtml)))

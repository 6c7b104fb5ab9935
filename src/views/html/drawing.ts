import { scaleLinear } from 'd3-scale'
import { duration } from '../amounts.ts'
import type { Bars } from '../document.ts'
import { fragment, type Html } from './template.ts'

/** A drawing as wide as its place; positions are percentages of that. */
export const picture = (says: string, parts: readonly Html[]): Html =>
  fragment`<svg width="100%" height="18" role="img" aria-label="${says}">${parts}</svg>`

export const rect = (look: string, from: number, to: number): Html =>
  fragment`<rect class="${look}" x="${from}%" y="3" width="${rounded(to - from)}%" height="12"/>`

export const line = (look: string, at: number): Html =>
  fragment`<line class="${look}" x1="${at}%" x2="${at}%" y1="0" y2="18"/>`

/** To thousandths, since the last digits of a division may differ between machines. */
export const rounded = (value: number): number => Math.round(value * 1000) / 1000

/** Bars to one scale, for the rows of a table. */
export function barsAsHtml({ lengths, limit }: Bars): readonly Html[] {
  const longest = Math.max(...lengths.map((one) => one ?? 0), limit ?? 0)
  // Where nothing was measured there is no scale.
  const scale = scaleLinear([0, longest === 0 ? 1 : longest], [0, 100])
  return lengths.map((length) => {
    if (length === null) return picture('not measured', [])
    const missed = limit !== null && length > limit
    const says = `${duration(length)}${limit === null ? '' : `, objective ${duration(limit)}`}`
    return picture(says, [
      rect(missed ? 'failed' : 'done', 0, rounded(scale(length))),
      ...(limit === null ? [] : [line('mark', rounded(scale(limit)))]),
    ])
  })
}

/**
 * The block "Latest tested restore" of a Markdown file: a heading of any level, and the list below it.
 * Texts are read as latin1, one character per byte, so that everything around the block keeps its bytes.
 */
export type BlockPlace = {
  /** Where the list begins and ends; equal where there is none yet. */
  readonly from: number
  readonly to: number
  readonly eol: string
  /** What must be inserted before and after a list that does not exist yet. */
  readonly before: string
  readonly after: string
}

const heading = /^ {0,3}#{1,6}[ \t]+latest tested restore[ \t]*#*[ \t]*$/i
const fence = /^ {0,3}(`{3,}|~{3,})/
const item = /^ {0,3}[-*+][ \t]/

/** Finds the block; null where it occurs more than once, since it is unclear which one counts. */
export function findBlock(text: string): BlockPlace | null {
  const lines = linesOf(text)
  const headings = lines.filter(({ fenced, line }) => !fenced && heading.test(line))
  if (headings.length > 1) return null
  const [found] = headings
  const eol = (found ?? lines[0])?.eol === '\r\n' ? '\r\n' : '\n'
  if (found === undefined) {
    const gap =
      text === '' ? '' : text.endsWith(`${eol}${eol}`) ? '' : text.endsWith(eol) ? eol : `${eol}${eol}`
    return {
      from: text.length,
      to: text.length,
      eol,
      before: `${gap}### Latest tested restore${eol}`,
      after: '',
    }
  }
  const below = lines.slice(lines.indexOf(found) + 1)
  const first = below.find(({ line }) => line.trim() !== '')
  if (first === undefined || first.fenced || !item.test(first.line)) {
    const at = found.start + found.line.length + found.eol.length
    return {
      from: at,
      to: at,
      eol,
      before: found.eol === '' ? eol : '',
      after: below[0] === undefined || below[0].line.trim() === '' ? '' : eol,
    }
  }
  const rest = below.slice(below.indexOf(first))
  const past = rest.find(
    ({ line, fenced }) => line.trim() === '' || fenced || /^ {0,3}#{1,6}[ \t]/.test(line),
  )
  return { from: first.start, to: past?.start ?? text.length, eol, before: '', after: '' }
}

/**
 * The file with that list in its block, otherwise unchanged.
 * @throws TypeError where the block occurs more than once
 */
export function withRecord(text: string, list: readonly string[]): string {
  const place = findBlock(text)
  if (place === null) throw new TypeError('the block occurs more than once')
  const { from, to, eol, before, after } = place
  return `${text.slice(0, from)}${before}${list.map((line) => `- ${line}${eol}`).join('')}${after}${text.slice(to)}`
}

export function hasRecord(text: string, list: readonly string[]): boolean {
  const place = findBlock(text)
  return (
    place !== null &&
    text.slice(place.from, place.to) === list.map((line) => `- ${line}${place.eol}`).join('')
  )
}

type Line = { readonly line: string; readonly start: number; readonly eol: string; readonly fenced: boolean }

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = []
  let open: string | null = null
  for (const { 0: match, 1: line = '', 2: eol = '', index: start } of text.matchAll(
    /([^\r\n]*)(\r\n|\n|\r|$)/g,
  )) {
    if (match === '') break
    const [, marks] = fence.exec(line) ?? []
    const closes: boolean = open !== null && marks?.startsWith(open) === true && line.trim() === marks
    lines.push({ line, start, eol, fenced: open !== null || marks !== undefined })
    open = closes ? null : (open ?? marks ?? null)
  }
  return lines
}

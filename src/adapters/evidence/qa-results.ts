/** A line for a story, and its prefix, by which an existing line is recognised. */
export type Addition = { readonly line: string; readonly key: string }

const heading = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/

/**
 * Adds a line at the end of the section *QA Results*, which is created at the end of the body if missing. All
 * other bytes are kept: the body is read as latin1, so no encoding or line ending changes.
 * @returns null if the line exists already
 */
export function withLine(body: Buffer, { line, key }: Addition): Buffer | null {
  const text = body.toString('latin1')
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = text.split('\n').map((one) => one.replace(/\r$/, ''))
  const section = sectionIn(lines)
  const prefix = Buffer.from(key).toString('latin1')
  const added = Buffer.from(line).toString('latin1')
  if (lines.some((one) => one.trimStart().startsWith(prefix))) return null
  if (section === null) {
    const gap = text === '' ? '' : text.endsWith('\n') ? newline : newline + newline
    return Buffer.from(`${text}${gap}## QA Results${newline}${newline}${added}${newline}`, 'latin1')
  }
  const inside = lines.slice(section.from, section.until)
  const last = inside.findLastIndex((one) => one.trim() !== '')
  const above = inside[last] ?? ''
  const at = section.from + last + 1
  // After a list the line continues it; after anything else it begins a new list.
  const gap = last >= 0 && /^\s*([-*+]|\d+[.)])\s|^\s{2,}\S/.test(above) ? [] : ['']
  const raw = text.split('\n')
  const carriage = newline === '\r\n' ? '\r' : ''
  const isEnd = at === raw.length
  if (isEnd) raw[at - 1] += carriage
  // Keep an empty line before a following heading.
  const distance = (raw[at] ?? '').trim() === '' ? [] : ['']
  raw.splice(at, 0, ...[...gap, added, ...distance].map((one) => one + carriage), ...(isEnd ? [''] : []))
  return Buffer.from(raw.join('\n'), 'latin1')
}

/**
 * The lines below the heading, up to the next one of the same or higher level. Ignores code blocks and
 * comments.
 */
function sectionIn(lines: readonly string[]): { readonly from: number; readonly until: number } | null {
  let from = -1
  let rank = 0
  let fence: string | null = null
  let comment = false
  for (const [index, line] of lines.entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== null) {
      if (mark !== undefined && mark.startsWith(fence) && line.trim() === mark) fence = null
      continue
    }
    if (comment) {
      comment = !line.includes('-->')
      continue
    }
    if (mark !== undefined) {
      fence = mark
      continue
    }
    comment = /^ {0,3}<!--/.test(line) && !line.includes('-->')
    const [, marks = '', title = ''] = heading.exec(line) ?? []
    if (marks === '') continue
    if (from >= 0 && marks.length <= rank) return { from, until: index }
    if (from < 0 && /^\W*qa results\W*$/i.test(title)) {
      from = index + 1
      rank = marks.length
    }
  }
  return from < 0 ? null : { from, until: lines.length }
}

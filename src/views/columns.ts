import { oneLine } from '../kernel/sanitize.ts'
import { wrapped, type Width } from './fit.ts'

/** A row on more lines than these is easier to read as names and values. */
const mostLines = 3

/**
 * A table as lines of text, each cell on one line; its columns are as wide as their widest cell. Where it is wider than the
 * screen, a row goes on in the next lines, indented; on a narrow screen it becomes lines with a name and a value each.
 * @param rows the first has the names
 */
export function columns(rows: readonly (readonly string[])[], width: Width = null): readonly string[] {
  const cells = rows.map((row) => row.map(oneLine))
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = foldedAt(widths, width)
  const fits = lines.every((columns) => width === null || widthOf(columns, widths) <= width)
  const isFew = lines.length === 1 || (lines.length <= mostLines && lines.length < widths.length)
  if (width !== null && !(fits && isFew)) return records(cells, width)
  return cells.flatMap((row) =>
    lines.flatMap((columns, place) => {
      const text = columns
        .map((column) => (row[column] ?? '').padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
      return place > 0 && text === '' ? [] : [place === 0 ? text : `${indent}${text}`]
    }),
  )
}

const indent = '    '

/** Of columns on one line, without the spaces at its end. */
const widthOf = (columns: readonly number[], widths: readonly number[]): number =>
  columns.reduce((sum, column) => sum + (widths[column] ?? 0) + 2, -2) +
  (columns[0] === 0 ? 0 : indent.length)

/** Which columns are on the first line of a row, the second, and so on: as many on each as fit. */
function foldedAt(widths: readonly number[], width: Width): readonly (readonly number[])[] {
  const lines: number[][] = []
  for (const column of widths.keys()) {
    const last = lines.at(-1)
    if (last !== undefined && (width === null || widthOf([...last, column], widths) <= width))
      last.push(column)
    else lines.push([column])
  }
  return lines
}

/** Empty cells are left out. */
function records([names = [], ...rows]: readonly (readonly string[])[], width: number): readonly string[] {
  const widest = Math.max(0, ...names.map((name) => name.length))
  return rows.flatMap((row, place) => [
    ...(place === 0 ? [] : ['']),
    ...row.flatMap((cell, column) =>
      cell === ''
        ? []
        : wrapped(`${(names[column] ?? '').padEnd(widest)}  ${cell}`, width, ' '.repeat(widest + 2)),
    ),
  ])
}

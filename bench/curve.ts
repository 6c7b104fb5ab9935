import { scaleLinear, scaleLog } from 'd3-scale'
import type { Result } from './report.ts'

const width = 640
const height = 320
const edge = { left: 70, right: 20, top: 40, bottom: 50 }
const looks = ['#2b6cb0', '#c05621', '#2f855a', '#6b46c1']

/** Its curves as SVG, medians with the lowest and the highest; null for a row that has none. Sizes are on a logarithmic axis. */
export function curvesOf({ title, unit, xTitle = '', measured }: Result): string | null {
  const points = measured.flatMap(({ at, ...one }) => (at === undefined ? [] : [{ ...at, ...one }]))
  if (points.length === 0) return null
  const xs = points.map(({ x }) => x)
  const x = scaleLog([Math.min(...xs), Math.max(...xs)], [edge.left, width - edge.right])
  const y = scaleLinear(
    [0, Math.max(...points.map(({ highest }) => highest))],
    [height - edge.bottom, edge.top],
  ).nice()
  const curves = [...new Set(points.map(({ curve }) => curve))].map((name, index) => {
    const look = looks[index % looks.length] ?? ''
    const own = points.filter(({ curve }) => curve === name).toSorted((one, other) => one.x - other.x)
    const marks = own.map(
      (one) =>
        `<line x1="${at(x(one.x))}" x2="${at(x(one.x))}" y1="${at(y(one.lowest))}" y2="${at(y(one.highest))}" stroke="${look}"/>` +
        `<circle cx="${at(x(one.x))}" cy="${at(y(one.median))}" r="3" fill="${look}"/>`,
    )
    return [
      `<polyline fill="none" stroke="${look}" stroke-width="2" points="${own.map((one) => `${at(x(one.x))},${at(y(one.median))}`).join(' ')}"/>`,
      ...marks,
      text(edge.left + 10, edge.top + 16 * index, name.replaceAll('`', ''), `fill="${look}"`),
    ].join('\n')
  })
  const axes = [
    ...[...new Set(xs)].map((one) =>
      text(x(one), height - edge.bottom + 18, one.toLocaleString('en'), middle),
    ),
    ...y
      .ticks(5)
      .map(
        (one) =>
          `<line x1="${edge.left}" x2="${width - edge.right}" y1="${at(y(one))}" y2="${at(y(one))}" stroke="#ddd"/>\n` +
          text(edge.left - 8, y(one) + 4, one.toLocaleString('en'), 'text-anchor="end"'),
      ),
    text((edge.left + width - edge.right) / 2, height - 12, xTitle, middle),
    text(edge.left, 18, `${title}, ${unit}`, 'font-weight="bold"'),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
${[...axes, ...curves].join('\n')}
</svg>
`
}

const middle = 'text-anchor="middle"'

const at = (value: number): number => Math.round(value * 10) / 10

const text = (x: number, y: number, words: string, look: string): string =>
  `<text x="${at(x)}" y="${at(y)}" ${look}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`

import { checks } from '../src/run/readiness/checks/index.ts'

const begins = '<!-- generated: checks; do not edit, run `npm run generate` -->'
const ends = '<!-- end of generated: checks -->'

/**
 * Replaces the table of checks between the markers of docs/doctor.md.
 * @throws Error unless each marker occurs exactly once
 */
export function withChecksTable(page: string): string {
  const parts = page.split(begins)
  const [before = '', rest = ''] = parts
  const [, ...after] = rest.split(ends)
  if (parts.length !== 2 || after.length !== 1)
    throw new Error(`cannot write the table of checks: docs/doctor.md needs ${begins} and ${ends}, once each`)
  const rows = checks.map(
    ({ id, of, looksAt }) =>
      `| \`${id}\` | ${of === 'machine' ? 'this machine' : 'each target'} | ${looksAt} |`,
  )
  return `${before}${begins}\n${['| check | of | looks at |', '| --- | --- | --- |', ...rows].join('\n')}\n${ends}${after[0]}`
}

import { oneLine } from '../kernel/sanitize.ts'
import type { Concern } from '../run/readiness/check.ts'
import type { CheckReport } from '../run/readiness/merge.ts'
import { fitted, type Width } from './fit.ts'

/** How many findings and gaps there are. */
export type DoctorCount = {
  readonly problems: number
  readonly warnings: number
  readonly unchecked: number
}

export function countOf(reports: readonly CheckReport[]): DoctorCount {
  const findings = reports.flatMap((report) => report.findings)
  const problems = findings.filter(({ level }) => level === 'refuse').length
  return {
    problems,
    warnings: findings.length - problems,
    unchecked: reports.reduce((sum, { unchecked }) => sum + unchecked.length, 0),
  }
}

/** All checks with what they found, problems with their cures; then the sum in one line. */
export function doctorText(reports: readonly CheckReport[], width: Width = null): string {
  const targets = [...new Set(reports.map(({ target }) => target))]
  const lines = targets.flatMap((target) => [
    target === null ? 'this machine' : oneLine(target),
    ...reports.filter((report) => report.target === target).flatMap(linesOf),
  ])
  return `${fitted([...lines, '', summary(countOf(reports))].join('\n'), width)}\n`
}

function linesOf({ check, facts, findings, unchecked }: CheckReport): readonly string[] {
  const mark = findings.some(({ level }) => level === 'refuse')
    ? '✖'
    : findings.length > 0
      ? '!'
      : unchecked.length > 0
        ? '?'
        : facts.length > 0
          ? '✔'
          : '-'
  const seen = mark === '-' ? 'nothing to look at here' : oneLine(facts.join('; '))
  return [
    `  ${mark} ${check}${seen === '' ? '' : `: ${seen}`}`,
    ...findings.flatMap(linesOfFinding),
    ...unchecked.map(({ about, why }) => `      not checked: ${oneLine(about)}: ${oneLine(why)}`),
  ]
}

const linesOfFinding = ({ level, problem, hint, runbooks = [] }: Concern): readonly string[] => [
  `      ${level === 'refuse' ? 'problem' : 'warning'}: ${oneLine(problem)}`,
  `        hint: ${oneLine(hint)}`,
  ...(runbooks.length === 0 ? [] : [`        concerns: ${runbooks.map(oneLine).join(', ')}`]),
]

function summary({ problems, warnings, unchecked }: DoctorCount): string {
  const found =
    problems + warnings === 0
      ? 'No problems found'
      : [count(problems, 'problem'), count(warnings, 'warning')].filter((text) => text !== '').join(', ')
  return `${found}${unchecked === 0 ? '' : `; ${unchecked} not checked`}.`
}

const count = (many: number, what: string): string =>
  many === 0 ? '' : `${many} ${what}${many === 1 ? '' : 's'}`

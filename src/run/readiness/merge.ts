import type { CheckAnswer, Concern, Gauge, Unchecked } from './check.ts'

export type CheckReport = {
  readonly check: string
  /** Null for a check of this machine. */
  readonly target: string | null
  readonly facts: readonly string[]
  readonly findings: readonly Concern[]
  readonly unchecked: readonly Unchecked[]
  readonly gauges: readonly Gauge[]
}

type Kept = { finding: Concern; readonly owner: number }

/**
 * Lists each problem once: the first check that found it keeps it, and later ones add whom it concerns. A later
 * check that could not look because of it has not looked.
 */
export function merged(
  answers: readonly {
    readonly check: string
    readonly target: string | null
    readonly answer: CheckAnswer
  }[],
): readonly CheckReport[] {
  const kept: Kept[] = []
  const gaps = answers.map(({ answer }) => [...(answer.unchecked ?? [])])
  for (const [owner, { answer }] of answers.entries())
    for (const finding of answer.findings ?? []) {
      const same = kept.find(({ finding: known }) => isSame(known, finding))
      if (same === undefined) kept.push({ finding, owner })
      else {
        same.finding = joined(same.finding, finding)
        if (finding.unread === true && same.owner !== owner)
          gaps[owner]?.push({ about: finding.about, why: same.finding.problem })
      }
    }
  return answers.map(({ check, target, answer }, owner) => ({
    check,
    target,
    facts: answer.facts ?? [],
    findings: kept.flatMap((one) => (one.owner === owner ? [shown(one.finding)] : [])),
    unchecked: unique(gaps[owner] ?? []),
    gauges: answer.gauges ?? [],
  }))
}

/** A problem in more words is the same problem. */
const isSame = ({ problem: known, covers = [] }: Concern, { problem }: Concern): boolean =>
  known.includes(problem) || problem.includes(known) || covers.some((text) => problem.includes(text))

function joined(known: Concern, again: Concern): Concern {
  const runbooks = [...new Set([...(known.runbooks ?? []), ...(again.runbooks ?? [])])].sort()
  return {
    ...known,
    level: known.level === 'refuse' ? 'refuse' : again.level,
    ...(runbooks.length === 0 ? {} : { runbooks }),
  }
}

const shown = ({ covers: _covers, unread: _unread, ...finding }: Concern): Concern => finding as Concern

const unique = (list: readonly Unchecked[]): readonly Unchecked[] =>
  list.filter(
    ({ about, why }, index) =>
      list.findIndex((other) => other.why === why && other.about === about) === index,
  )

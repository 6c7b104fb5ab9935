import { defineStep, isPending, type Operators } from '../../src/index.ts'
import { knownIssues, type KnownIssue } from './lib/known-issues.ts'
import type { Observation } from './lib/observations.ts'
import { wayTo } from './lib/suggestion.ts'

type Input = {
  /** The reported symptom; `any` reports everything. */
  readonly symptom: string
  readonly target: string
  /** Configuration sections of the target. */
  readonly sections: readonly string[]
  /** One list per check; null where the target has no such part, or the check did not finish. */
  readonly seen: readonly (readonly Observation[] | null)[]
  /** Whom to call when the recommendation does not help. */
  readonly operators: Operators | null
}

export type ReportedFindings = {
  readonly case: string
  readonly symptom: string
  /** What was seen; empty where the case is only a possible cause of the given symptom. */
  readonly evidence: readonly string[]
  readonly cause: string
  /** What the operator does first. */
  readonly act: string
  /** The runbook that fixes it, and the command for a first dry run; null where none fits. */
  readonly runbook: string | null
  readonly command: string | null
}

type Output = { readonly findings: readonly ReportedFindings[]; readonly escalation: readonly string[] }

/** Ranks what was seen, each with its likely cause and the runbook to use next. */
export const reportFindings = defineStep<Input, Output>({
  kind: 'diagnose.tell',
  version: 1,
  effect: 'observe',
  describe: ({ symptom }) =>
    `Tells what was seen${isPending(symptom) || symptom === 'any' ? '' : ` of "${symptom}"`}, the likely cause, and the runbook to use next.`,
  run: async (look, { symptom, target, sections, seen, operators }) => {
    const findings = findingsOf(
      symptom,
      seen.flatMap((sights) => sights ?? []),
      { target, sections },
    )
    if (!findings.some(({ evidence }) => evidence.length > 0))
      look.note(
        symptom === 'any'
          ? 'nothing wrong was seen'
          : `nothing of "${symptom}" was seen; these are its causes`,
      )
    for (const finding of findings) for (const line of linesOf(finding)) look.note(line)
    const escalation = findings.length === 0 || operators === null ? [] : escalationOf(operators)
    for (const line of escalation) look.note(line)
    return { findings, escalation }
  },
})

/** Cases that were seen, by rank; for a given symptom, then its other causes. */
export function findingsOf(
  symptom: string,
  sights: readonly Observation[],
  on: { readonly target: string; readonly sections: readonly string[] },
): readonly ReportedFindings[] {
  const asked = knownIssues.filter((one) => symptom === 'any' || one.symptom === symptom)
  const all = asked.map((one) =>
    told(
      one,
      sights.filter((sight) => sight.case === one.id).map(({ evidence }) => evidence),
      on,
    ),
  )
  const were = all.filter(({ evidence }) => evidence.length > 0)
  return symptom === 'any' ? were : [...were, ...all.filter(({ evidence }) => evidence.length === 0)]
}

/** The escalation steps in order. */
export const escalationOf = ({
  escalation,
  contacts,
}: Pick<Operators, 'escalation' | 'contacts'>): readonly string[] =>
  escalation.map(({ what, who }, index) => {
    const contact = contacts.find(({ role }) => role === who)
    return `if that does not help, ${index + 1}: ${what}${contact === undefined ? '' : ` (${contact.role}: ${contact.reach})`}`
  })

function told(
  { id, symptom, cause, act, next }: KnownIssue,
  evidence: readonly string[],
  { target, sections }: { readonly target: string; readonly sections: readonly string[] },
): ReportedFindings {
  const way = wayTo(next, target, sections)
  return {
    case: id,
    symptom,
    evidence: [...new Set(evidence)],
    cause,
    act,
    runbook: way?.runbook ?? null,
    command: way?.command ?? null,
  }
}

const linesOf = ({ case: id, evidence, cause, act, command }: ReportedFindings): readonly string[] => [
  `${id}: ${evidence.length === 0 ? 'not seen' : evidence.join('; ')}`,
  `  likely: ${cause}`,
  `  next: ${command ?? act}`,
]

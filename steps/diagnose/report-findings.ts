import { defineStep, isPending, type Conclusion, type Operators } from '../../src/index.ts'
import { knownIssues, type KnownIssue } from './lib/known-issues.ts'
import { serviceStopped, type Observation } from './lib/observations.ts'
import { suggestionFor } from './lib/suggestion.ts'

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

type Output = {
  readonly findings: readonly ReportedFindings[]
  readonly escalation: readonly string[]
  readonly conclusion: Conclusion
}

/** Ranks what was seen, each with its likely cause and the runbook to use next. */
export const reportFindings = defineStep<Input, Output>({
  kind: 'diagnose.tell',
  version: 1,
  effect: 'observe',
  describe: ({ symptom }) => {
    const about = isPending(symptom) || symptom === 'any' ? '' : ` for "${symptom}"`
    return `Reports what was found${about}, the likely cause, and the runbook to use next.`
  },
  run: async (look, { symptom, target, sections, seen, operators }) => {
    const findings = findingsOf(
      symptom,
      seen.flatMap((observations) => observations ?? []),
      { target, sections },
    )
    const escalation = findings.length === 0 || operators === null ? [] : escalationOf(operators)
    const conclusion = conclusionFrom(symptom, findings, escalation)
    for (const line of [conclusion.summary, ...conclusion.lines]) look.note(line)
    return { findings, escalation, conclusion }
  },
})

function conclusionFrom(
  symptom: string,
  findings: readonly ReportedFindings[],
  escalation: readonly string[],
): Conclusion {
  const seen = findings.filter(({ evidence }) => evidence.length > 0).length
  const summary =
    seen > 0
      ? `${seen} ${seen === 1 ? 'problem' : 'problems'} found`
      : symptom === 'any'
        ? 'No problem found'
        : `No evidence of "${symptom}" found; these are its possible causes`
  return { summary, lines: [...findings.flatMap(linesOf), ...escalation] }
}

/** Cases that were seen, by rank; for a given symptom, then its other causes. */
export function findingsOf(
  symptom: string,
  observations: readonly Observation[],
  on: { readonly target: string; readonly sections: readonly string[] },
): readonly ReportedFindings[] {
  const explained = explainedBy(observations)
  const asked = knownIssues.filter((one) => symptom === 'any' || one.symptom === symptom)
  const all = asked.map((one) =>
    findingOf(
      one,
      explained.filter((observation) => observation.case === one.id).map(({ evidence }) => evidence),
      on,
    ),
  )
  const seen = all.filter(({ evidence }) => evidence.length > 0)
  const observed =
    symptom !== 'any' || seen.some(isOfSettings) ? seen : seen.filter(({ case: id }) => id !== advice)
  return symptom === 'any' ? observed : [...observed, ...all.filter(({ evidence }) => evidence.length === 0)]
}

/** Where what publishes the address is down, that nothing answers says nothing of the version. */
function explainedBy(observations: readonly Observation[]): readonly Observation[] {
  if (!observations.some((one) => one.from === 'address')) return observations
  return observations.map((one) => (one.from === 'health' ? { ...one, case: serviceStopped } : one))
}

/** A missing copy of a settings file is no problem of its own: it matters where the settings are what is wrong. */
const advice = 'no-way-back'

const ofSettings: readonly string[] = ['configuration', 'daemon', 'auth']

const isOfSettings = ({ case: id, symptom }: ReportedFindings): boolean =>
  id !== advice && ofSettings.includes(symptom)

/** The escalation steps in order. */
export const escalationOf = ({
  escalation,
  contacts,
}: Pick<Operators, 'escalation' | 'contacts'>): readonly string[] =>
  escalation.map(({ what, who }, index) => {
    const contact = contacts.find(({ role }) => role === who)
    const whom = contact === undefined ? '' : ` (${contact.role}: ${contact.reach})`
    return `if that does not help, step ${index + 1}: ${what}${whom}`
  })

function findingOf(
  { id, symptom, cause, act, next }: KnownIssue,
  evidence: readonly string[],
  { target, sections }: { readonly target: string; readonly sections: readonly string[] },
): ReportedFindings {
  const suggestion = suggestionFor(next, target, sections)
  return {
    case: id,
    symptom,
    evidence: [...new Set(evidence)],
    cause,
    act,
    runbook: suggestion?.runbook ?? null,
    command: suggestion?.command ?? null,
  }
}

const linesOf = ({ case: id, evidence, cause, act, command }: ReportedFindings): readonly string[] => [
  `${id}: ${evidence.length === 0 ? 'not observed' : evidence.join('; ')}`,
  `  likely cause: ${cause}`,
  `  next: ${command ?? act}`,
]

import { canonical, digestOf, type Json, type JsonObject } from '../kernel/json.ts'

/** The parts of a plan that its digest covers. */
type Procedure = JsonObject & {
  readonly steps: readonly (JsonObject & { readonly group: string | null })[]
  readonly pivot: { readonly before: number } | null
}

/**
 * Digest of what a plan does, without texts for people: titles of the runbook, its steps and groups, the
 * sentences, what is said of defaults, and the reasons for the point of no return and for irreversible steps.
 * @param source digest of the behaviour of all steps
 */
export function workDigest(plan: Procedure, source: string): string {
  return digestOf(workOf({ ...plan, source }))
}

type Opened = Procedure & { readonly workDigest?: string }

/**
 * Whether a run of the opened plan can continue with the steps of today's plan, because both do the same.
 * Journals without `workDigest` are compared by `source`, which also covers the sentences of the steps.
 */
export function doesTheSame(opened: Opened, today: Opened): boolean {
  if (opened.workDigest !== undefined) return opened.workDigest === today.workDigest
  return canonical(withoutLater(workOf(opened))) === canonical(withoutLater(workOf(today)))
}

function workOf(plan: Procedure): JsonObject {
  const {
    title: _title,
    when: _when,
    digest: _digest,
    workDigest: _work,
    defaults: _defaults,
    steps,
    pivot,
    ...rest
  } = plan
  const groups = [...new Set(steps.flatMap(({ group }) => (group === null ? [] : [group])))]
  return {
    ...rest,
    steps: steps.map(
      ({ title: _words, says: _says, duty: _duty, code: _code, group, reversal, ...step }) => ({
        ...step,
        group: group === null ? null : groups.indexOf(group),
        reversal: typeof reversal === 'string' ? reversal : 'none',
      }),
    ),
    pivot: pivot === null ? null : pivot.before,
  }
}

/** Without the fields that are missing in older journals. */
const withoutLater = ({ steps, ...rest }: JsonObject): JsonObject => ({
  ...rest,
  steps: (steps as readonly JsonObject[]).map(({ leaves: _leaves, ...step }) => step) as Json,
})

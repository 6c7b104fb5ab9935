import { canonical, digestOf, type Json, type JsonObject } from '../kernel/json.ts'

/** The parts of a plan that count. */
type Procedure = JsonObject & {
  readonly steps: readonly (JsonObject & { readonly group: string | null })[]
  readonly pivot: { readonly before: number } | null
}

/**
 * Digest of what a plan does. Words for people do not count: titles of the runbook, its steps and groups, the sentences, and the reasons
 * for the point of no return and for what cannot be undone.
 * @param source digest of what every step does
 */
export function workDigest(plan: Procedure, source: string): string {
  return digestOf(workOf({ ...plan, source }))
}

type Opened = Procedure & { readonly workDigest?: string }

/**
 * Whether a run of the plan as opened can go on with the steps of today's plan, as they do the same work. A journal that was written before
 * plans had a digest of their work also counts the sentences that the steps describe themselves with, since its digest of their source does.
 */
export function doesTheSame(opened: Opened, today: Opened): boolean {
  if (opened.workDigest !== undefined) return opened.workDigest === today.workDigest
  return canonical(withoutLater(workOf(opened))) === canonical(withoutLater(workOf(today)))
}

function workOf(plan: Procedure): JsonObject {
  const { title: _title, when: _when, digest: _digest, workDigest: _work, steps, pivot, ...rest } = plan
  const groups = [...new Set(steps.flatMap(({ group }) => (group === null ? [] : [group])))]
  return {
    ...rest,
    steps: steps.map(({ title: _words, says: _says, duty: _duty, group, reversal, ...step }) => ({
      ...step,
      group: group === null ? null : groups.indexOf(group),
      reversal: typeof reversal === 'string' ? reversal : 'none',
    })),
    pivot: pivot === null ? null : pivot.before,
  }
}

/** Without the fields that older journals lack. */
const withoutLater = ({ steps, ...rest }: JsonObject): JsonObject => ({
  ...rest,
  steps: (steps as readonly JsonObject[]).map(({ leaves: _leaves, ...step }) => step) as Json,
})

import { RunbookError } from '../kernel/errors.ts'
import { canonical, type JsonObject } from '../kernel/json.ts'
import { sanitize } from '../kernel/sanitize.ts'
import { codeFor, planOf, type Plan, type Planned, type PlannedStep } from '../model/plan.ts'
import type { Runbook } from '../model/runbook.ts'
import type { Target } from '../model/target.ts'
import { doesTheSame } from '../model/work.ts'

/** The current runbooks and targets, by name. */
export interface Catalog {
  runbook(name: string): Promise<Runbook>
  target(name: string): Promise<Target>
}

export type Replanned = {
  readonly planned: Planned
  /** Difference between the opened plan and today's; null if both do the same, whatever their texts. */
  readonly difference: string | null
}

/**
 * Plans a run again, from the current runbook and target and the run's own parameters.
 * @throws RunbookError `changed` if the current runbook lacks code for a step of the run, which acceptance
 *   cannot replace, or if it cannot be planned
 */
export async function replan(catalog: Catalog, plan: Plan): Promise<Replanned> {
  const planned = await again(catalog, plan)
  if (doesTheSame(plan, planned.plan)) return { planned, difference: null }
  const { lost } = codeFor(plan, planned)
  if (lost.length > 0) {
    const titles = lost.map(({ title }) => `"${title}"`).join(', ')
    const ids = lost.map(({ id }) => `{ id: '${id}' }`).join(', ')
    throw new RunbookError(
      'changed',
      `cannot plan ${plan.runbook} again: not in the runbook any more: ${titles}`,
      {
        hint:
          'restore the runbook file and the configuration from when the run began, or where only a title was reworded, ' +
          `give the step its former id: ${ids}`,
      },
    )
  }
  return { planned, difference: await differenceOf(plan, planned.plan) }
}

async function again(catalog: Catalog, plan: Plan): Promise<Planned> {
  try {
    const book = await catalog.runbook(plan.runbook)
    return planOf(book, await catalog.target(String(plan.target['name'])), plan.params)
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'usage') throw thrown
    throw new RunbookError('changed', `cannot plan ${plan.runbook} again`, {
      cause: thrown,
      hint: [
        ...(thrown.hint === undefined ? [] : [thrown.hint]),
        'restore the runbook and the configuration from when the run began',
      ].join('; or '),
    })
  }
}

/** Unified diff of both plans as indented JSON with sorted keys, and the steps whose code changed. */
async function differenceOf(before: Plan, after: Plan): Promise<string> {
  const older = before.steps.some(({ leaves, duty }) => leaves === undefined || duty === undefined)
  const [was, is] = [readable(before, older), readable(after, older)]
  const code = codeChanges(before, after)
  // Only the code can differ where nothing that is shown does.
  if (was === is)
    return `${code ?? `the code of one or more steps changed; their kinds: ${kindsOf(after.steps)}`}\n`
  const { createTwoFilesPatch } = await import('diff')
  const patch = createTwoFilesPatch('plan of the run', 'current plan', was, is, undefined, undefined, {
    context: 3,
  })
  return sanitize(code === null ? patch : `${patch}${code}\n`)
}

/**
 * Sorted, since a journal keeps keys in another order; without digests, which say nothing to a reader.
 * @param older without the fields that are missing in older journals
 */
function readable(plan: Plan, older: boolean): string {
  const { digest: _digest, source: _source, workDigest: _work, steps, ...rest } = plan
  const stepOf = ({ code: _code, leaves, duty, ...step }: PlannedStep): JsonObject =>
    older || leaves === undefined || duty === undefined ? step : { ...step, leaves, duty }
  const shown = { ...rest, steps: steps.map(stepOf) }
  return `${JSON.stringify(JSON.parse(canonical(shown)), null, 2)}\n`
}

/** Null where none changed, or the plan is older than digests of each step. */
function codeChanges(before: Plan, after: Plan): string | null {
  const changed = after.steps.filter(({ id, code }) => {
    const former = before.steps.find((step) => step.id === id)
    return former?.code !== undefined && former.code !== code
  })
  if (changed.length === 0) return null
  return `the code of these steps changed: ${changed.map(({ title, kind }) => `"${title}" (${kind})`).join(', ')}`
}

const kindsOf = (steps: Plan['steps']): string => [...new Set(steps.map(({ kind }) => kind))].join(', ')

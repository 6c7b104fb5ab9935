import { createTwoFilesPatch } from 'diff'
import { RunbookError } from '../kernel/errors.ts'
import { sanitize } from '../kernel/sanitize.ts'
import { codeFor, planOf, type Plan, type Planned } from '../model/plan.ts'
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
          'restore the runbook file from when the run began, or where only a title was reworded, ' +
          `give the step its former id: ${ids}`,
      },
    )
  }
  return { planned, difference: differenceOf(plan, planned.plan) }
}

async function again(catalog: Catalog, plan: Plan): Promise<Planned> {
  try {
    const book = await catalog.runbook(plan.runbook)
    return planOf(book, await catalog.target(String(plan.target['name'])), plan.params)
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'usage') throw thrown
    throw new RunbookError('changed', `cannot plan ${plan.runbook} again`, {
      cause: thrown,
      hint: 'restore the runbook and the configuration from when the run began',
    })
  }
}

/** Unified diff of both plans as indented JSON. */
function differenceOf(before: Plan, after: Plan): string {
  const readable = (plan: Plan): string => `${JSON.stringify({ ...plan, digest: undefined }, null, 2)}\n`
  return sanitize(
    createTwoFilesPatch(
      'plan of the run',
      'current plan',
      readable(before),
      readable(after),
      undefined,
      undefined,
      { context: 3 },
    ),
  )
}

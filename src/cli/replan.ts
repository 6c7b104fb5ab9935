import { createTwoFilesPatch } from 'diff'
import { RunbookError } from '../kernel/errors.ts'
import { sanitize } from '../kernel/sanitize.ts'
import { planOf, type Plan, type Planned } from '../model/plan.ts'
import type { RunState } from '../run/journal/state.ts'
import type { CliContext } from './context.ts'

export type Replanned = {
  readonly planned: Planned
  /** Between the plan as opened and as it would be made today; null where they are the same. */
  readonly difference: string | null
}

/**
 * Makes the plan of a run once more: from the runbook and the target of today, and the run's own parameters.
 * @throws RunbookError `changed` where today's runbook has no code for a step of the run: then not even acceptance helps
 */
export async function replan(desk: CliContext, { plan }: RunState): Promise<Replanned> {
  const planned = await again(desk, plan)
  if (planned.plan.digest === plan.digest) return { planned, difference: null }
  const gone = plan.steps.filter((step) => planned.steps.get(step.id)?.kind !== step.kind)
  if (gone.length > 0) {
    throw new RunbookError(
      'changed',
      `the runbook ${plan.runbook} of today lacks ${gone.map((step) => `"${step.title}"`).join(', ')}, which the run has`,
      {
        hint: 'put back the runbook file as it was when the run began',
      },
    )
  }
  return { planned, difference: differenceOf(plan, planned.plan) }
}

async function again(desk: CliContext, plan: Plan): Promise<Planned> {
  try {
    const { book } = await (await desk.shelf()).find(plan.runbook)
    return planOf(book, await desk.target(String(plan.target['name'])), plan.params)
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'usage') throw thrown
    throw new RunbookError('changed', `the plan of ${plan.runbook} cannot be made again`, {
      cause: thrown,
      hint: 'put back the runbook and the configuration as they were when the run began',
    })
  }
}

/** Unified, of both plans as readable JSON. */
function differenceOf(before: Plan, after: Plan): string {
  const readable = (plan: Plan): string => `${JSON.stringify({ ...plan, digest: undefined }, null, 2)}\n`
  return sanitize(
    createTwoFilesPatch(
      'the plan of the run',
      'the plan as of today',
      readable(before),
      readable(after),
      undefined,
      undefined,
      { context: 3 },
    ),
  )
}

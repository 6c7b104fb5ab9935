import { partKey } from '../../drivers/locks.ts'
import type { Stack } from '../../drivers/services.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Plan, PlannedStep } from '../../model/plan.ts'
import { bringsOf } from '../../model/returned.ts'
import type { AnyStep, PlanFacts } from '../../model/step.ts'
import { partsIn, servicePart, stackPart } from './lock-parts.ts'
import { isStack } from '../../model/services-in.ts'

type Preceding = {
  readonly planned: PlannedStep
  readonly input: JsonObject
  readonly step: AnyStep | undefined
}

/** What the plan says around a step: what a run may change, its locks say, and so they say what it may start. */
export function planFactsOf(plan: Plan, before: readonly Preceding[]): PlanFacts {
  const stack = stackOf(plan)
  const changing = before.filter(({ planned: { effect } }) => effect === 'change' || effect === 'destroy')
  return {
    stack,
    effectBefore: before.some(({ planned: { effect } }) => effect !== 'observe' && effect !== 'decide'),
    starterOf: (service) => {
      if (stack === null) return null
      const keys = [servicePart(stack, service), stackPart(stack)].map(partKey)
      const starts = ({ input, step }: Preceding): boolean =>
        (step !== undefined && bringsOf(step, input).includes(`${stack.project}/${service}`)) ||
        partsIn(input, plan).some((part) => keys.includes(partKey(part)))
      return changing.findLast(starts)?.planned.title ?? null
    },
  }
}

function stackOf({ target }: Plan): Stack | null {
  const { stack } = target
  return stack !== undefined && isStack(stack) ? stack : null
}

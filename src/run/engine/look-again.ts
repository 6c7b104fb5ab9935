import type { PlannedStep } from '../../model/plan.ts'
import { stateOfStep, stepOf, type RunContext } from './run-context.ts'

/**
 * The looks at what changes by itself that a person is about to be shown, and that an earlier process made: hours may
 * have passed. One that something was done, decided or chosen on stays as it is, since its output is part of that.
 * @returns them in the order of the plan
 */
export function looksToRepeat(context: RunContext, decision: PlannedStep): readonly PlannedStep[] {
  const shown = new Set(decision.needs)
  const settled = new Set(chosenOn(decision))
  const repeat: PlannedStep[] = []
  for (const step of context.journal.state.plan.steps.toReversed()) {
    if (step.id === decision.id) continue
    const { status } = stateOfStep(context, step)
    const looks = stepOf(context, step).effect === 'observe'
    if (status !== 'waiting') for (const id of chosenOn(step)) settled.add(id)
    if (settled.has(step.id) || (!looks && isBegun(context, step)))
      for (const id of step.needs) settled.add(id)
    else if (shown.has(step.id) && status === 'done' && looksAgain(context, step)) {
      for (const id of step.needs) shown.add(id)
      if (!context.performed.has(step.id)) repeat.unshift(step)
    }
  }
  return repeat
}

/** The steps whose outputs choose whether this one is taken. */
const chosenOn = ({ only }: PlannedStep): readonly string[] =>
  only.flatMap(({ value }) => ('$ref' in value ? [String(value.$ref)] : []))

/** Another decision that is still open, as one of the same group, rests on nothing yet. */
function isBegun(context: RunContext, step: PlannedStep): boolean {
  const { status } = stateOfStep(context, step)
  if (stepOf(context, step).effect === 'decide') return status === 'done'
  return status !== 'waiting' && status !== 'skipped'
}

function looksAgain(context: RunContext, planned: PlannedStep): boolean {
  const step = stepOf(context, planned)
  return step.effect === 'observe' && step.lookAgain === true
}

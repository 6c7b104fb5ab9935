import { RunbookError } from '../../kernel/errors.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { acts } from '../../model/step.ts'
import { unlogged } from '../journal/evidence.ts'
import { agendaOf } from './agenda.ts'
import { openAttempt } from './attempt-context.ts'
import { failureOn, stateOfStep, stepOf, type RunContext } from './run-context.ts'
import { boundary, Stopped } from './stop.ts'
import { lookWithTimeout } from './timeout.ts'
import { undoActOf } from './undo-guards.ts'

/** Seconds for one proof: a look that takes longer is left to the step that relies on it. */
const patience = 30

/**
 * Before a resume goes on: what an earlier process proved must still be so where a step that has not begun relies on it.
 * Otherwise that step would refuse it only once services are stopped for it. What does not answer stops nothing here.
 * @throws Stopped `in-doubt` if somebody else changed it
 */
export async function lookAtProofs(context: RunContext): Promise<void> {
  const { state } = context.journal
  if (state.pivoted || agendaOf(state).act !== 'forward') return
  for (const planned of state.plan.steps) if (isReliedOn(context, planned)) await lookAt(context, planned)
}

/** A step that has begun may have used up what was proven. */
function isReliedOn(context: RunContext, planned: PlannedStep): boolean {
  const relying = context.journal.state.plan.steps.filter(
    (step) => step.needs.includes(planned.id) && acts(stepOf(context, step)),
  )
  const states = relying.map((step) => stateOfStep(context, step))
  return (
    planned.effect === 'exercise' &&
    stateOfStep(context, planned).status === 'done' &&
    states.some(({ status }) => status === 'waiting') &&
    states.every(({ attempts }) => attempts === 0)
  )
}

async function lookAt(context: RunContext, planned: PlannedStep): Promise<void> {
  const step = stepOf(context, planned)
  if (step.effect !== 'exercise' || step.stillHolds === undefined) return
  const { stillHolds } = step
  boundary(context.stop)
  const attempt = await openAttempt({ ...context, folder: unlogged(context.folder) }, planned, 'ahead')
  const { input, output } = undoActOf(context, planned)
  try {
    await lookWithTimeout(context, attempt, `the look at ${planned.title}`, patience, () =>
      stillHolds(attempt.look, { input, output }),
    )
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown
    if (!(thrown instanceof RunbookError) || thrown.code !== 'verification') return
    const { message } = failureOn(context, thrown)
    throw new Stopped(
      'in-doubt',
      `${message}; this was found before the run went on, so nothing more was changed`,
      null,
      thrown.hint,
    )
  } finally {
    await attempt.close()
  }
}

import { RunbookError } from '../../kernel/errors.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { acts } from '../../model/step.ts'
import { unlogged } from '../journal/evidence.ts'
import { agendaOf } from './agenda.ts'
import { NotRetryable } from './apply.ts'
import { openAttempt, type Purpose } from './attempt-context.ts'
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

/**
 * Right before the first step that takes the service down: what the run looked at and showed, minutes or hours ago, must
 * still be so where a step to come relies on it. That step would refuse it too, but only while the service is down.
 * @throws NotRetryable if somebody changed it, or it cannot be looked at
 */
export async function lookBeforeDowntime(context: RunContext, planned: PlannedStep): Promise<void> {
  const { state } = context.journal
  const isDown = state.plan.steps.some(
    (step) => step.marks.downFrom && stateOfStep(context, step).attempts > 0,
  )
  if (!planned.marks.downFrom || planned.phase !== 'reversible' || state.way !== 'forward' || isDown) return
  for (const one of reliedOnLater(context)) {
    try {
      await askAgain(context, one, 'run', one.timeoutSeconds)
    } catch (thrown) {
      if (!(thrown instanceof RunbookError)) throw thrown
      const { code, message, hint } = failureOn(context, thrown)
      const found = `${message}; this was found before anything was stopped`
      throw new NotRetryable(code, found, hint === undefined ? {} : { hint })
    }
  }
}

/**
 * The looks and proofs that steps to come take something from, or that a person decided on, in the order of the plan. One
 * that a step took something from which has changed the system is left out: it was compared then, and may be so no longer
 * because of that step.
 */
function reliedOnLater(context: RunContext): readonly PlannedStep[] {
  const { steps } = context.journal.state.plan
  const used = new Set(
    steps.flatMap((step) =>
      acts(stepOf(context, step)) && stateOfStep(context, step).attempts > 0 ? step.needs : [],
    ),
  )
  const sources = sourcesOf(
    context,
    steps.filter((step) => {
      const { status } = stateOfStep(context, step)
      const isDecided = step.effect === 'decide' && status === 'done'
      return step.phase === 'reversible' && (isDecided || status === 'waiting')
    }),
  )
  return steps.filter(({ id }) => sources.has(id) && !used.has(id))
}

/** What steps take from looks and proofs that are done, and looks from other looks. */
function sourcesOf(context: RunContext, of: readonly PlannedStep[]): ReadonlySet<string> {
  const byId = new Map(context.journal.state.plan.steps.map((step) => [step.id, step]))
  const found = new Set<string>()
  const visit = ({ needs }: PlannedStep): void => {
    for (const id of needs) {
      const step = byId.get(id)
      if (step === undefined || found.has(id) || stateOfStep(context, step).status !== 'done') continue
      if (step.effect !== 'observe' && step.effect !== 'exercise') continue
      found.add(id)
      if (step.effect === 'observe') visit(step)
    }
  }
  for (const step of of) visit(step)
  return found
}

async function lookAt(context: RunContext, planned: PlannedStep): Promise<void> {
  try {
    await askAgain(context, planned, 'ahead', patience)
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
  }
}

async function askAgain(
  context: RunContext,
  planned: PlannedStep,
  purpose: Purpose,
  seconds: number,
): Promise<void> {
  const step = stepOf(context, planned)
  if (!('stillHolds' in step) || step.stillHolds === undefined) return
  const { stillHolds } = step
  boundary(context.stop)
  const attempt = await openAttempt({ ...context, folder: unlogged(context.folder) }, planned, purpose)
  const { input, output } = undoActOf(context, planned)
  try {
    await lookWithTimeout(context, attempt, `the look at ${planned.title}`, seconds, () =>
      stillHolds(attempt.look, { input, output }),
    )
  } finally {
    await attempt.close()
  }
}

import { failureOf, RunbookError } from '../../kernel/errors.ts'
import { requireJson, type Json, type JsonObject } from '../../kernel/json.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { probeResultFrom } from '../../model/returned.ts'
import type { ActingStep, Probing, ProbeResult } from '../../model/step.ts'
import type { AttemptContext } from './attempt-context.ts'
import type { StoredPrediction } from '../journal/entry.ts'
import { predictionOf } from './prediction.ts'
import type { RunContext } from './run-context.ts'
import type { StepState } from '../journal/state.ts'
import { Stopped } from './stop.ts'
import { giveBack } from './undo.ts'
import { guardedUndo, requireOurs } from './undo-guards.ts'

export interface Change {
  readonly context: RunContext
  readonly planned: PlannedStep
  readonly step: ActingStep<JsonObject, Json, Json>
  readonly input: JsonObject
  readonly attempt: AttemptContext
  readonly number: number
  /** State of the step before this attempt. */
  readonly state: StepState
}

export type Changed = { readonly as: 'done' | 'already' | 'recovered'; readonly output: Json }

/** A failure that a further attempt cannot fix. */
export class NotRetryable extends RunbookError {}

/** One attempt at an effect: probes for it, runs the step if it is absent, and probes again. */
export async function applyChange(change: Change): Promise<Changed> {
  const { context, planned, step, input, attempt, number, state } = change
  const begun = state.attempts > 0
  // An undo must restore the state before the first attempt, so later attempts keep its survey.
  const before = begun
    ? state.before
    : requireJson(await step.survey(attempt.look, input), `the survey of "${planned.title}"`)
  const found = await probed(change, { input, before, way: 'forward' })
  if (found.is === 'done') {
    if (begun) await reportAgain(change, found.output)
    return { as: begun ? 'recovered' : 'already', output: found.output }
  }
  if (found.is !== 'absent' && !(found.is === 'torn' && step.rerunnable === true)) {
    if (begun) await removePartialEffect(change, found)
    else throw foreignState(planned, found)
  } else if (begun) await requireUnreplaced(change, before)
  const prediction = predicted(change, before)
  // A survey that returns after the timeout must not lead to an effect.
  attempt.signal.signal.throwIfAborted()
  await context.fence()
  await context.journal.write({
    type: 'intent',
    step: planned.id,
    attempt: number,
    input,
    before,
    prediction,
  })
  attempt.signal.signal.throwIfAborted()
  const output = await step.run(attempt.io, { input, before })
  const proof = await probed(change, { input, before, way: 'forward' })
  if (proof.is !== 'done') throw notThere(planned, proof)
  return { as: 'done', output }
}

/** A failure to look does not fail an effect that is there; what remains is then unknown. */
async function reportAgain({ planned, step, input, attempt, state }: Change, output: Json): Promise<void> {
  try {
    const lines = await step.remainsAgain?.(attempt.look, { input, before: state.before, output })
    for (const line of lines ?? []) attempt.io.remains(line)
  } catch (thrown) {
    attempt.signal.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    attempt.io.remains(`what "${planned.title}" leaves behind is unknown: ${thrown.message}`)
  }
}

/**
 * Another run may have been here since the process died that began this step: what the first attempt found or made must
 * still be there, as for its undo.
 * @throws Stopped `in-doubt` if somebody else replaced it
 */
async function requireUnreplaced(
  { planned, step, input, attempt, state }: Change,
  before: Json,
): Promise<void> {
  try {
    await requireOurs(step, attempt.look, { input, before, output: state.output }, 'forward')
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'in-doubt') throw thrown
    throw new Stopped('in-doubt', thrown.message, planned.title, thrown.hint)
  }
}

const probed = async (
  { step, attempt }: Change,
  act: Probing<JsonObject, Json>,
): Promise<ProbeResult<Json>> => probeResultFrom(step, await step.probe(attempt.look, act), 'failed')

/** For the comparison with the outcome. A failed prediction does not fail a real run. */
function predicted({ step, input, attempt }: Change, before: Json): StoredPrediction | null {
  try {
    return step.predict === undefined ? null : predictionOf(step, step.predict({ input, before }))
  } catch (thrown) {
    attempt.look.note(`cannot be predicted: ${failureOf(thrown).message}`)
    return null
  }
}

/** Undoes a partial effect, so that the step can start over. If that is impossible, a person must decide. */
async function removePartialEffect(
  change: Change,
  found: Exclude<ProbeResult<Json>, { is: 'done' | 'absent' }>,
): Promise<void> {
  const { context, planned, step, input, attempt, state } = change
  if (found.is === 'unknown')
    throw new Stopped(
      'in-doubt',
      `cannot determine whether "${planned.title}" took effect: ${found.why}`,
      planned.title,
    )
  if (step.undo === undefined)
    throw new NotRetryable(
      'failed',
      `"${planned.title}" was interrupted half-way and cannot be undone: ${found.why}`,
    )
  const act = { input, before: state.before, output: state.output }
  const undoAttempt = state.undoAttempts + 1
  attempt.signal.signal.throwIfAborted()
  await context.fence()
  await context.journal.write({ type: 'undo-intent', step: planned.id, attempt: undoAttempt })
  attempt.signal.signal.throwIfAborted()
  await guardedUndo(step, attempt.io, attempt.look, act)
  const after = await probed(change, { ...act, way: 'back' })
  if (after.is !== 'absent')
    throw new NotRetryable(
      'failed',
      `"${planned.title}" was interrupted half-way, and its undo did not remove the effect: ${found.why}`,
    )
  await giveBack(context, planned, attempt.io, {
    ...act,
    number: undoAttempt,
    undone: 'undone',
    proven: false,
  })
  await context.journal.write({
    type: 'undo-ended',
    step: planned.id,
    attempt: undoAttempt,
    result: 'undone',
    failure: null,
    milliseconds: null,
    log: null,
  })
}

/** The step was not started, yet the state is neither that before nor that after it: not safe to act on. */
function foreignState(
  planned: PlannedStep,
  found: Exclude<ProbeResult<Json>, { is: 'done' | 'absent' }>,
): RunbookError {
  return new NotRetryable(
    'failed',
    `cannot start "${planned.title}": the target is in a state that this run did not create: ${found.why}`,
    {
      hint: 'find out what created it, clean it up, and start again',
    },
  )
}

function notThere(planned: PlannedStep, proof: Exclude<ProbeResult<Json>, { is: 'done' }>): RunbookError {
  if (proof.is === 'unknown')
    return new NotRetryable('failed', `cannot determine whether "${planned.title}" took effect: ${proof.why}`)
  const what = proof.is === 'absent' ? 'it reported success but changed nothing' : proof.why
  return new RunbookError('failed', `"${planned.title}" ended without effect: ${what}`)
}

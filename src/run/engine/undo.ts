import { RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import { resolve } from '../../model/pending.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { probeResultFrom } from '../../model/returned.ts'
import { acts, type AnyStep } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from './attempt-context.ts'
import { withTimeout } from './timeout.ts'
import type { UndoEnded } from '../journal/entry.ts'
import type { Ended } from './perform.ts'
import { failureOn, lookupOn, stateOfStep, stepOf, withSecrets, type RunContext } from './run-context.ts'
import { unmasked } from './secrets-in-plan.ts'
import { boundary, Stopped } from './stop.ts'

/** Delays between the attempts of one undo. Milliseconds. */
const waits = [1_000, 3_000] as const

/**
 * Undoes one step whose effect may be there, using only what the journal has. Does nothing if the probe finds
 * the effect absent; otherwise the probe must find it absent afterwards. After three failed attempts the
 * rollback stops.
 */
export async function undo(context: RunContext, planned: PlannedStep): Promise<Ended> {
  for (const wait of waits) {
    const failure = await attemptOnce(context, planned, true)
    if (failure === null) return { ok: true, as: 'done' }
    boundary(context.stop)
    // A wait cut short by Ctrl-C ends at the boundary below.
    await context.clock.sleep(wait, context.stop.soon).catch(() => undefined)
    boundary(context.stop)
  }
  const failure = await attemptOnce(context, planned, false)
  return failure === null ? { ok: true, as: 'done' } : { ok: false, failure }
}

type UndoEndedFields = Pick<UndoEnded, 'result' | 'failure' | 'again'>

/** @returns the failure of this attempt; null if it succeeded */
async function attemptOnce(
  context: RunContext,
  planned: PlannedStep,
  again: boolean,
): Promise<Failure | null> {
  const { undoAttempts, input, before, output } = stateOfStep(context, planned)
  const number = undoAttempts + 1
  const began = context.clock.monotonic()
  await context.fence()
  await context.journal.write({ type: 'undo-intent', step: planned.id, attempt: number })
  let attempt: AttemptContext | null = null
  let ending: UndoEndedFields
  try {
    const opened = await openAttempt(context, planned, 'undo')
    attempt = opened
    const today = resolve(withSecrets(context, planned).input, lookupOn(context))
    const act = {
      input: unmasked(input ?? {}, 'value' in today ? today.value : undefined, context.mask),
      before,
      output,
    }
    const result = await withTimeout(
      context,
      opened,
      `undo of ${planned.title}`,
      planned.timeoutSeconds,
      () => runUndo(context, planned, opened, act),
    )
    ending = { result, failure: null }
  } catch (thrown) {
    // Cut off: no ending is written, so the undo stays in doubt and is repeated on resume.
    if (thrown instanceof Stopped) {
      await attempt?.close()
      throw thrown
    }
    const failure = failureOn(context, thrown, 'rollback-incomplete')
    attempt?.look.note(`undo failed: ${failure.message}`)
    ending = { result: 'failed', failure, ...(again ? { again } : {}) }
  }
  const log = (await attempt?.close()) ?? null
  await context.journal.write({
    type: 'undo-ended',
    step: planned.id,
    attempt: number,
    ...ending,
    ...attempt?.remained(),
    milliseconds: Math.round(context.clock.monotonic() - began),
    log,
  })
  return ending.failure
}

type UndoInput = { readonly input: JsonObject; readonly before: Json; readonly output: Json | undefined }

async function runUndo(
  context: RunContext,
  planned: PlannedStep,
  attempt: AttemptContext,
  act: UndoInput,
): Promise<'undone' | 'absent'> {
  const step = stepOf(context, planned)
  if (!acts(step)) throw new RunbookError('bug', `"${planned.title}" changes nothing, so it cannot be undone`)
  const probe = async () =>
    probeResultFrom(step, await step.probe(attempt.look, { ...act, way: 'back' }), 'rollback-incomplete')
  const found = await probe()
  if (found.is === 'absent') {
    await reportRemains(step, planned, attempt, act)
    return 'absent'
  }
  if (found.is === 'unknown') {
    throw new RunbookError(
      'rollback-incomplete',
      `cannot determine whether "${planned.title}" took effect: ${found.why}`,
      {
        hint: 'check the target; then `runbook rollback` continues from here',
      },
    )
  }
  if (step.undo === undefined)
    throw new RunbookError('rollback-incomplete', `"${planned.title}" cannot be undone: ${step.irreversible}`)
  attempt.signal.signal.throwIfAborted()
  await step.undo(attempt.io, act)
  const after = await probe()
  if (after.is === 'absent') {
    await reportRemains(step, planned, attempt, act)
    return 'undone'
  }
  const still = after.is === 'done' ? 'its effect is still there' : after.why
  throw new RunbookError('rollback-incomplete', `the undo of "${planned.title}" ended, but ${still}`)
}

/** A failure to look does not fail an undo that is proven; what remains is then unknown. */
async function reportRemains(
  step: AnyStep,
  planned: PlannedStep,
  attempt: AttemptContext,
  act: UndoInput,
): Promise<void> {
  if (!acts(step) || step.remains === undefined) return
  try {
    for (const line of await step.remains(attempt.look, act)) attempt.io.remains(line)
  } catch (thrown) {
    attempt.signal.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    attempt.io.remains(`what the undo of "${planned.title}" leaves behind is unknown: ${thrown.message}`)
  }
}

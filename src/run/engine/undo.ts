import { downOf, RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { probeResultFrom } from '../../model/returned.ts'
import { acts, type AnyStep, type Io, type UndoAct } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from './attempt-context.ts'
import { withTimeout } from './timeout.ts'
import type { UndoEnded } from '../journal/entry.ts'
import type { Ended } from './perform.ts'
import { failureOn, stateOfStep, stepOf, type RunContext } from './run-context.ts'
import { boundary, Stopped } from './stop.ts'
import { guardedUndo, undoActOf } from './undo-guards.ts'

/** Delays after failures of one undo that waiting may not fix. Milliseconds. */
const delays = [1_000, 3_000] as const

/** How long an undo waits for what is down, and the longest delay between its looks. Milliseconds. */
const patience = 300_000
const longestDelay = 15_000

/**
 * Undoes one step whose effect may be there, using only what the journal has. Does nothing if the probe finds
 * the effect absent; otherwise the probe must find it absent afterwards. What is down, such as a server that was
 * killed, is waited for, at most 5 minutes; after three other failures the rollback stops.
 */
export async function undo(context: RunContext, planned: PlannedStep): Promise<Ended> {
  const pauses = pausesOn(context)
  for (;;) {
    const { failure, pause } = await attemptOnce(context, planned, pauses)
    if (failure === null) return { ok: true, as: 'done' }
    if (pause === null) return { ok: false, failure }
    boundary(context.stop)
    // A wait cut short by Ctrl-C ends at the boundary below.
    await context.clock.sleep(pause, context.stop.soon).catch(() => undefined)
    boundary(context.stop)
  }
}

/**
 * How long to wait after a failure; null: it was the last attempt. `left`: of the time for what is down. Milliseconds.
 */
type Pauses = (down: string | undefined) => { readonly pause: number; readonly left: number | null } | null

function pausesOn({ clock }: RunContext): Pauses {
  let failures = 0
  let delay = 500
  let until: number | null = null
  return (down) => {
    if (down === undefined) {
      const pause = delays[failures]
      failures += 1
      return pause === undefined ? null : { pause, left: null }
    }
    const now = clock.monotonic()
    until ??= now + patience
    if (now >= until) return null
    delay = Math.min(delay * 2, longestDelay)
    return { pause: Math.min(delay, until - now), left: until - now }
  }
}

type UndoEndedFields = Pick<UndoEnded, 'result' | 'failure' | 'again' | 'down'>

type UndoAttempt = { readonly failure: Failure | null; readonly pause: number | null }

/** @returns the failure of this attempt, null if it succeeded, and how long to wait before the next one */
async function attemptOnce(context: RunContext, planned: PlannedStep, pauses: Pauses): Promise<UndoAttempt> {
  const { undoAttempts, undoProven } = stateOfStep(context, planned)
  const number = undoAttempts + 1
  const began = context.clock.monotonic()
  await context.fence()
  await context.journal.write({ type: 'undo-intent', step: planned.id, attempt: number })
  let attempt: AttemptContext | null = null
  let pause: number | null = null
  let ending: UndoEndedFields
  try {
    const opened = await openAttempt(context, planned, 'undo')
    attempt = opened
    const act = undoActOf(context, planned)
    const result = await withTimeout(
      context,
      opened,
      `undo of ${planned.title}`,
      planned.timeoutSeconds,
      async () => {
        const undone = undoProven ?? (await runUndo(context, planned, opened, act))
        await giveBack(context, planned, opened.io, { ...act, number, undone, proven: undoProven !== null })
        await reportRemains(stepOf(context, planned), planned, opened, act)
        return undone
      },
    )
    ending = { result, failure: null }
  } catch (thrown) {
    // Interrupted: no ending is written, so the undo stays in doubt and is repeated on resume.
    if (thrown instanceof Stopped) {
      await attempt?.close()
      throw thrown
    }
    const failure = failureOn(context, thrown, 'rollback-incomplete')
    const down = downOf(thrown)
    const next = pauses(down)
    pause = next?.pause ?? null
    attempt?.look.note(
      next === null || next.left === null || down === undefined
        ? `undo failed: ${failure.message}`
        : waitingFor(down, failure, next.left),
    )
    ending = {
      result: 'failed',
      failure,
      ...(next === null ? {} : { again: true }),
      ...(down === undefined ? {} : { down }),
    }
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
  return { failure: ending.failure, pause }
}

const waitingFor = (down: string, { message, hint }: Failure, milliseconds: number): string =>
  `waiting for ${down}, for ${Math.ceil(milliseconds / 1000)} s at most: ${message}${hint === undefined ? '' : `; ${hint}`}`

type UndoInput = UndoAct<JsonObject, Json, Json>

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
  if (found.is === 'absent') return 'absent'
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
  await guardedUndo(step, attempt.io, attempt.look, act)
  const after = await probe()
  if (after.is === 'absent') return 'undone'
  const still = after.is === 'done' ? 'its effect is still there' : after.why
  throw new RunbookError('rollback-incomplete', `the undo of "${planned.title}" ended, but ${still}`)
}

/** Records that an undo is proven, then releases what proved it. */
export async function giveBack(
  context: RunContext,
  planned: PlannedStep,
  io: Io,
  { number, undone, proven, ...act }: UndoInput & Proof,
): Promise<void> {
  const step = stepOf(context, planned)
  if (!acts(step) || step.afterUndo === undefined) return
  if (!proven)
    await context.journal.write({ type: 'undo-proven', step: planned.id, attempt: number, result: undone })
  await step.afterUndo(io, act)
}

/** `number` of the attempt; `proven`: the journal says so already. */
type Proof = { readonly number: number; readonly undone: 'undone' | 'absent'; readonly proven: boolean }

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

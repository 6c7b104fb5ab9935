import { failureOf, RunbookError, type Failure } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import type { PlannedStep } from '../model/plan.ts'
import { acts, type ActingStep } from '../model/step.ts'
import { within } from './attempt.ts'
import type { Ended } from './perform.ts'
import { benchFor, finishLog, stepOf, type Bench, type Stage } from './stage.ts'
import { Stopped } from './stop.ts'

/** Waits between the tries of one undo. Milliseconds. */
const patience = [1_000, 3_000] as const

/**
 * Takes back one step whose effect may be there, using only what was on disk before the effect. The probe must find it absent
 * afterwards; where it finds it absent at once, nothing is done. Tries three times, then gives up on the whole way back.
 */
export async function undo(stage: Stage, planned: PlannedStep): Promise<Ended> {
  let failure: Failure | null = null
  for (const wait of [0, ...patience]) {
    if (wait > 0) await stage.clock.sleep(wait, stage.stop.now).catch(() => undefined)
    failure = await attempt(stage, planned, wait === patience.at(-1))
    if (failure === null) return { ok: true, as: 'done' }
  }
  return { ok: false, failure: failure ?? { code: 'bug', message: 'no undo was tried' } }
}

/** @returns the failure of this try, which is journaled only when it is the last one: until then the undo is merely in doubt */
async function attempt(stage: Stage, planned: PlannedStep, last: boolean): Promise<Failure | null> {
  const step = stepOf(stage, planned)
  if (!acts(step)) throw new RunbookError('bug', `"${planned.title}" changes nothing and stands on the way back`)
  const standing = stage.record.state.steps.get(planned.id)
  const number = (standing?.undoAttempts ?? 0) + 1
  const bench = await benchFor(stage, planned, 'undo')
  const began = stage.clock.monotonic()
  await stage.record.write({ type: 'undo-intent', step: planned.id, attempt: number })
  const end = async (result: 'undone' | 'absent' | 'failed', failure: Failure | null): Promise<void> =>
    stage.record.write({
      type: 'undo-ended', step: planned.id, attempt: number, result, failure, milliseconds: Math.round(stage.clock.monotonic() - began), log: await finishLog(stage, bench),
    })
  try {
    const act = { input: standing?.input ?? {}, before: standing?.before ?? null, output: standing?.output }
    const result = await within(stage, bench, `undo of ${planned.title}`, planned.timeoutSeconds, () => takeBack(planned, step, bench, act))
    await end(result, null)
    return null
  } catch (thrown) {
    if (thrown instanceof Stopped) {
      await finishLog(stage, bench)
      throw thrown
    }
    const failure = failureOf(thrown, 'rollback-incomplete')
    bench.look.note(`undo failed: ${failure.message}`)
    if (last) await end('failed', failure)
    else await finishLog(stage, bench)
    return failure
  }
}

type Taken = { readonly input: JsonObject; readonly before: Json; readonly output: Json | undefined }

async function takeBack(planned: PlannedStep, step: ActingStep<JsonObject, Json, Json>, bench: Bench, act: Taken): Promise<'undone' | 'absent'> {
  const found = await step.probe(bench.look, { ...act, way: 'back' })
  if (found.is === 'absent') return 'absent'
  if (found.is === 'unknown') {
    throw new RunbookError('rollback-incomplete', `nobody can tell whether "${planned.title}" took effect: ${found.why}`, {
      hint: 'look at the target yourself; then `runbook rollback` goes on from here',
    })
  }
  if (step.undo === undefined) throw new RunbookError('rollback-incomplete', `"${planned.title}" cannot be undone: ${step.irreversible}`)
  await step.undo(bench.io, act)
  const after = await step.probe(bench.look, { ...act, way: 'back' })
  if (after.is === 'absent') return 'undone'
  const still = after.is === 'done' ? 'its effect is still there' : after.why
  throw new RunbookError('rollback-incomplete', `the undo of "${planned.title}" ended, and ${still}`)
}

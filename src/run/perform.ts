import { failureOf, RunbookError, type Failure } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { resolve } from '../model/pending.ts'
import type { PlannedStep } from '../model/plan.ts'
import { untilOf } from '../model/plan.ts'
import { acts, type ActingStep, type AnyStep, type Found } from '../model/step.ts'
import { TookTooLong, within } from './attempt.ts'
import type { StepEnded } from './entry.ts'
import { foretoldOf } from './foretold.ts'
import { benchFor, finishLog, stepOf, type Bench, type Stage } from './stage.ts'
import { lookupIn, notTaken, type StepState } from './state.ts'
import { Stopped } from './stop.ts'

/** How a step ended. A failure of the step is a value; a bug of the engine, a stop and a journal that cannot be written are thrown. */
export type Ended = { readonly ok: true; readonly as: StepEnded['result'] | 'skipped' } | { readonly ok: false; readonly failure: Failure }

/**
 * Carries out one step of the way forward: survey, intent, effect, probe, outcome; each on disk before the next begins.
 * A step that a crash left in doubt is probed first, and only done again where its effect is absent.
 */
export async function perform(stage: Stage, planned: PlannedStep): Promise<Ended> {
  const step = stepOf(stage, planned)
  const skipped = await skip(stage, planned)
  if (skipped) return { ok: true, as: 'skipped' }
  let left = planned.retry.times
  for (;;) {
    const ended = await attempt(stage, planned, step)
    if (ended.ok || left === 0 || ended.final || stage.stop.asked !== null) return ended
    left -= 1
    await stage.clock.sleep(planned.retry.delaySeconds * 1000, stage.stop.now)
  }
}

async function skip(stage: Stage, planned: PlannedStep): Promise<boolean> {
  const because = notTaken(planned, lookupIn(stage.record.state))
  if (because === undefined) throw new RunbookError('bug', `the branch of "${planned.title}" hangs on a value that is not known`)
  if (because === null) return false
  await stage.record.write({ type: 'skipped', step: planned.id, because })
  return true
}

/** `final`: another attempt would be unsafe or pointless. */
type Tried = { readonly ok: true; readonly as: StepEnded['result'] } | { readonly ok: false; readonly failure: Failure; readonly final: boolean }

async function attempt(stage: Stage, planned: PlannedStep, step: AnyStep): Promise<Tried> {
  const standing = stateOfStep(stage, planned)
  const number = standing.attempts + 1
  const input = inputOf(stage, planned)
  const bench = await benchFor(stage, planned, 'run')
  const began = stage.clock.monotonic()
  const end = async (ending: Pick<StepEnded, 'result' | 'output' | 'failure'>): Promise<void> => {
    const dataAsOf = ending.failure === null ? (step.marks?.dataAsOf?.(ending.output, input) ?? null) : null
    await stage.record.write({
      type: 'ended', step: planned.id, attempt: number, ...ending, dataAsOf, milliseconds: Math.round(stage.clock.monotonic() - began), log: await finishLog(stage, bench),
    })
  }
  try {
    const done = await carryOut({ stage, planned, step, input, bench, number, standing })
    await end({ result: done.as, output: done.output, failure: null })
    return { ok: true, as: done.as }
  } catch (thrown) {
    // Cut off: no ending is written, so the step stays in doubt until somebody has looked.
    if (thrown instanceof Stopped) {
      await finishLog(stage, bench)
      throw thrown
    }
    const failure = failureOf(thrown)
    bench.look.note(`failed: ${failure.message}`)
    await end({ result: thrown instanceof TookTooLong ? 'timeout' : 'failed', output: null, failure })
    return { ok: false, failure, final: thrown instanceof Torn || failure.code === 'verification' || failure.code === 'preflight' || failure.code === 'bug' }
  }
}

interface Attempt {
  readonly stage: Stage
  readonly planned: PlannedStep
  readonly step: AnyStep
  readonly input: JsonObject
  readonly bench: Bench
  readonly number: number
  readonly standing: StepState
}

type Done = { readonly as: StepEnded['result']; readonly output: Json }

async function carryOut(at: Attempt): Promise<Done> {
  const { stage, planned, step, input, bench, number } = at
  const time = <T>(work: () => Promise<T>): Promise<T> => within(stage, bench, planned.title, planned.timeoutSeconds, work)
  if (acts(step)) return time(() => change(at, step))
  await stage.record.write({ type: 'intent', step: planned.id, attempt: number, input, before: null, prediction: null })
  if (step.effect === 'observe') return { as: 'done', output: await time(() => step.run(bench.look, input)) }
  if (step.effect === 'decide') return { as: 'done', output: await time(() => step.run(bench.ask, input)) }
  return time(async () => {
    // A run that was cut off may have left something; so may this one.
    await step.tidy?.(bench.io, input)
    try {
      return { as: 'done', output: await step.run(bench.io, input) }
    } finally {
      if (!bench.signal.signal.aborted) await step.tidy?.(bench.io, input)
    }
  })
}

async function change({ stage, planned, input, bench, number, standing }: Attempt, step: ActingStep<JsonObject, Json, Json>): Promise<Done> {
  // What the world looked like before the first attempt is what an undo must bring back, so a later attempt keeps it.
  const before = standing.attempts > 0 ? standing.before : await step.survey(bench.look, input)
  const found = await step.probe(bench.look, { input, before, way: 'forward' })
  if (found.is === 'done') return { as: standing.attempts > 0 ? 'recovered' : 'already', output: found.output }
  if (standing.attempts > 0 && found.is !== 'absent' && !(found.is === 'torn' && step.rerunnable === true)) {
    await clearAway({ stage, planned, input, bench, standing }, step, found)
  }
  const prediction = step.predict === undefined ? null : foretoldOf(step.predict({ input, before }))
  // A survey that came back after its time was up must not lead to an effect that nobody waits for.
  bench.signal.signal.throwIfAborted()
  await stage.record.write({ type: 'intent', step: planned.id, attempt: number, input, before, prediction })
  bench.signal.signal.throwIfAborted()
  const output = await step.run(bench.io, { input, before })
  const proof = await step.probe(bench.look, { input, before, way: 'forward' })
  if (proof.is !== 'done') throw notThere(planned, proof)
  return { as: 'done', output }
}

/** Part of an effect is there and may not be built upon. */
class Torn extends RunbookError {}

/** Takes a half-done effect back, so that the step can begin anew. What cannot be taken back is left for a person to judge. */
async function clearAway(
  { stage, planned, input, bench, standing }: Pick<Attempt, 'stage' | 'planned' | 'input' | 'bench' | 'standing'>, step: ActingStep<JsonObject, Json, Json>,
  found: Exclude<Found<Json>, { is: 'done' } | { is: 'absent' }>,
): Promise<void> {
  if (found.is === 'unknown') throw new Stopped('in-doubt', `nobody can tell whether "${planned.title}" took effect: ${found.why}`, planned.title)
  if (step.undo === undefined) throw new Torn('failed', `"${planned.title}" was cut off half-way and cannot be taken back: ${found.why}`)
  const act = { input, before: standing.before, output: standing.output }
  const attempt = standing.undoAttempts + 1
  await stage.record.write({ type: 'undo-intent', step: planned.id, attempt })
  bench.signal.signal.throwIfAborted()
  await step.undo(bench.io, act)
  const after = await step.probe(bench.look, { ...act, way: 'back' })
  if (after.is !== 'absent') throw new Torn('failed', `"${planned.title}" was cut off half-way, and its undo did not clear it away: ${found.why}`)
  await stage.record.write({ type: 'undo-ended', step: planned.id, attempt, result: 'undone', failure: null, milliseconds: null, log: null })
}

function notThere(planned: PlannedStep, proof: Exclude<Found<Json>, { is: 'done' }>): RunbookError {
  const what = proof.is === 'absent' ? 'it reported success and changed nothing' : proof.why
  return new Torn('failed', `"${planned.title}" ended without its effect: ${what}`)
}

function inputOf(stage: Stage, planned: PlannedStep): JsonObject {
  const found = resolve(planned.input, lookupIn(stage.record.state))
  if ('missing' in found) {
    throw new RunbookError('bug', `"${planned.title}" needs a value that is not there: ${untilOf(found.missing, stage.planned.plan.steps)}`)
  }
  return found.value as JsonObject
}

function stateOfStep(stage: Stage, planned: PlannedStep): StepState {
  const standing = stage.record.state.steps.get(planned.id)
  if (standing === undefined) throw new RunbookError('bug', `the step ${planned.id} stands in no plan`)
  return standing
}

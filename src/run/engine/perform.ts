import { RunbookError, type Failure } from '../../kernel/errors.ts'
import { requireJson, type Json, type JsonObject } from '../../kernel/json.ts'
import { resolve } from '../../model/pending.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { nameOf } from '../../model/ref.ts'
import { isRowsBeforeAndAfter } from '../../model/returned.ts'
import { acts, type AnyStep } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from './attempt-context.ts'
import { StepTimedOut, withTimeout } from './timeout.ts'
import { applyChange, NotRetryable } from './apply.ts'
import { looksToRepeat } from './look-again.ts'
import { lookBeforeDowntime } from './look-at-proofs.ts'
import { preflightAgain } from './preflight.ts'
import type { StepEnded } from '../journal/entry.ts'
import type { Durability } from '../journal/journal.ts'
import { failureOn, lookupOn, stateOfStep, stepOf, withSecrets, type RunContext } from './run-context.ts'
import { notTaken } from '../journal/state.ts'
import { boundary, Stopped } from './stop.ts'

/** How a step ended. Its failure is a value; a stop or a journal that cannot be written is thrown. */
export type Ended =
  | { readonly ok: true; readonly as: StepEnded['result'] | 'skipped' }
  | { readonly ok: false; readonly failure: Failure }

/**
 * Performs one step forward: survey, intent, effect, probe, outcome. The intent is on disk before the effect
 * starts. A step that was started before is probed first, and repeated only if its effect is absent.
 */
export async function perform(context: RunContext, planned: PlannedStep): Promise<Ended> {
  const because = notTaken(planned, lookupOn(context))
  if (typeof because === 'string') {
    await context.journal.write({ type: 'skipped', step: planned.id, because })
    return { ok: true, as: 'skipped' }
  }
  if (stepOf(context, planned).effect === 'decide')
    for (const look of looksToRepeat(context, planned)) {
      const ended = await attempts(context, look)
      if (!ended.ok) return ended
    }
  return attempts(context, planned)
}

async function attempts(context: RunContext, planned: PlannedStep): Promise<Ended> {
  for (let left = planned.retry.times; ; left -= 1) {
    const result = await attemptOnce(context, planned, left > 0)
    if (result.ok) context.performed.add(planned.id)
    if (result.ok || !result.again) return result
    boundary(context.stop)
    // A wait cut short by Ctrl-C ends at the boundary below.
    await context.clock.sleep(planned.retry.delaySeconds * 1000, context.stop.soon).catch(() => undefined)
    boundary(context.stop)
  }
}

type AttemptResult =
  | { readonly ok: true; readonly as: StepEnded['result'] }
  | { readonly ok: false; readonly failure: Failure; readonly again: boolean }

type EndedFields = Pick<StepEnded, 'result' | 'output' | 'failure' | 'again' | 'dataAsOf' | 'rows'>

async function attemptOnce(
  context: RunContext,
  planned: PlannedStep,
  mayRepeat: boolean,
): Promise<AttemptResult> {
  const number = stateOfStep(context, planned).attempts + 1
  const began = context.clock.monotonic()
  let attempt: AttemptContext | null = null
  let ending: EndedFields
  try {
    await lookBeforeDowntime(context, planned)
    attempt = await openAttempt(context, planned, 'run')
    ending = await runStep(context, planned, attempt, number)
  } catch (thrown) {
    // Interrupted: no ending is written, so the step stays in doubt until it is probed.
    if (thrown instanceof Stopped) {
      await attempt?.close()
      throw thrown
    }
    const failure = failureOn(context, thrown)
    attempt?.look.note(`failed: ${failure.message}`)
    const again = mayRepeat && !isFinal(thrown, failure)
    ending = {
      result: thrown instanceof StepTimedOut ? 'timeout' : 'failed',
      output: null,
      failure,
      ...(again ? { again } : {}),
    }
  }
  const log = (await attempt?.close()) ?? null
  const remained = attempt?.remained() ?? {}
  const ended: StepEnded = {
    type: 'ended',
    step: planned.id,
    attempt: number,
    ...ending,
    ...remained,
    milliseconds: Math.round(context.clock.monotonic() - began),
    log,
  }
  // After a journal failure this throws its first error, so it is not taken for a failure of the step.
  await context.journal.write(ended, durabilityOf(context, planned, ended))
  return ending.failure === null
    ? { ok: true, as: ending.result }
    : { ok: false, failure: ending.failure, again: ending.again === true }
}

/**
 * A success that a power cut takes from the journal is found out again: the probe finds the effect, and a look is
 * repeated. What a person decided is not, nor what changed outside the effect. The next intent makes it durable.
 */
function durabilityOf(context: RunContext, planned: PlannedStep, ended: StepEnded): Durability {
  if (ended.failure !== null || ended.remains !== undefined) return 'at-once'
  const step = stepOf(context, planned)
  return acts(step) || step.effect === 'observe' ? 'soon' : 'at-once'
}

/** Another attempt would be unsafe or fail the same way. */
const isFinal = (thrown: unknown, failure: Failure): boolean =>
  thrown instanceof NotRetryable ||
  ['verification', 'preflight', 'usage', 'bug', 'interrupted', 'terminated'].includes(failure.code)

async function runStep(
  context: RunContext,
  planned: PlannedStep,
  attempt: AttemptContext,
  number: number,
): Promise<EndedFields> {
  const step = stepOf(context, planned)
  const input = inputOf(context, withSecrets(context, planned))
  const time = <T>(work: () => Promise<T>): Promise<T> =>
    withTimeout(context, attempt, planned.title, planned.timeoutSeconds, work)
  const done = (result: StepEnded['result'], output: Json): EndedFields => ({
    result,
    output: requireJson(output, `the output of "${planned.title}"`),
    failure: null,
    dataAsOf: asOf(step, output, input),
    ...rowsOf(step, output, input),
  })
  if (acts(step)) {
    const { as, output } = await time(() =>
      applyChange({ context, planned, step, input, attempt, number, state: stateOfStep(context, planned) }),
    )
    if (step.brings !== undefined) await preflightAgain(context, planned)
    return done(as, output)
  }
  if (step.effect === 'exercise') await context.fence()
  const intent = {
    type: 'intent',
    step: planned.id,
    attempt: number,
    input,
    before: null,
    prediction: null,
  } as const
  // A look has no effect that it would have to precede.
  await context.journal.write(intent, step.effect === 'observe' ? 'soon' : 'at-once')
  if (step.effect === 'observe') return done('done', await time(() => step.run(attempt.look, input)))
  if (step.effect === 'decide') return done('done', await time(() => step.run(attempt.ask, input)))
  return done('done', await time(() => step.run(attempt.io, input)))
}

/** A measurement that fails is missing in the evidence, but does not fail the step. */
function asOf({ marks }: AnyStep, output: Json, input: JsonObject): string | null {
  try {
    const at: unknown = marks?.dataAsOf?.(output, input)
    return typeof at === 'string' ? at : null
  } catch {
    return null
  }
}

function rowsOf({ marks }: AnyStep, output: Json, input: JsonObject): Pick<EndedFields, 'rows'> {
  try {
    const rows: unknown = marks?.rows?.(output, input) ?? null
    return isRowsBeforeAndAfter(rows) ? { rows } : {}
  } catch {
    return {}
  }
}

function inputOf(context: RunContext, planned: PlannedStep): JsonObject {
  const lookup = lookupOn(context)
  const found = resolve(planned.input, lookup)
  const branch = planned.only.find(({ value }) => lookup(value) === undefined)
  if ('value' in found && branch === undefined) return found.value as JsonObject
  const missing =
    'missing' in found ? nameOf(found.missing) : nameOf(branch?.value ?? { $ref: 'nothing', path: [] })
  throw new RunbookError('failed', `"${planned.title}" requires ${missing}, which has no value`, {
    hint: 'the step that should return it returned something else: fix that step or the runbook',
  })
}

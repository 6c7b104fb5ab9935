import { textOf, type Failure } from '../../kernel/errors.ts'
import { isFields, requireJson, type Json, type JsonObject } from '../../kernel/json.ts'
import { at, isKnown, isPending, preview, type Lookup, type Preview } from '../../model/pending.ts'
import { untilOf, type PlannedStep } from '../../model/plan.ts'
import { sentenceOf } from '../../model/returned.ts'
import { acts, type AnyStep, type Finding, type Prediction } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from '../engine/attempt-context.ts'
import { askedLater, bringerOf, bringersIn, dependsOn } from '../engine/bringing.ts'
import { lookWithTimeout } from '../engine/timeout.ts'
import type { StoredPrediction } from '../journal/entry.ts'
import { predictionOf } from '../engine/prediction.ts'
import { failureOn, stepOf, type RunContext } from '../engine/run-context.ts'
import { notTaken } from '../journal/state.ts'
import { boundary, Stopped } from '../engine/stop.ts'

/** Result of a dry run. */
export interface DryRunResult {
  /** Values that a real run would find too in the current state. */
  readonly seen: Lookup
  readonly findings: readonly Finding[]
  /** Failure of the first step at which a real run would fail in the current state. */
  readonly failure: Failure | null
}

/**
 * What the preview of a step is based on. `firm`: the state that the real run will find, and values seen in
 * it. `shifted`: an earlier step will change the state. `predicted`: an input was not seen.
 */
type Confidence = 'firm' | 'shifted' | 'predicted'

/** `waiting`: which steps' values were not seen, as a sentence; null if all were. */
type Known = { readonly confidence: Confidence; readonly waiting: string | null }

interface StepPreview {
  /**
   * Value for later steps; `seen` only if the confidence is `firm`. Undefined if nothing is known of it: a
   * prediction of null says the same.
   */
  readonly output: Json | undefined
  readonly seen: boolean
  readonly looked: boolean
  readonly before: Json
  readonly prediction: StoredPrediction | null
  readonly unknown: string | null
  /** The look itself failed. */
  readonly thrown?: unknown
}

const noPrediction: StepPreview = {
  output: undefined,
  seen: false,
  looked: false,
  before: null,
  prediction: null,
  unknown: 'this step makes no prediction',
}
/** A skipped step surely has no output. */
const skipped: StepPreview = { ...noPrediction, seen: true }

/**
 * Goes through the plan with read-only views: runs observations, surveys and predicts changes.
 * Values that only a real run can produce are reported as unknown.
 */
export async function previewRun(context: RunContext): Promise<DryRunResult> {
  const previews = new Map<string, StepPreview>()
  const findings: Finding[] = []
  let failure: Failure | null = null
  let changed = false
  const lookup = lookupAmong(context, previews, () => true)
  const bringers = bringersIn(context.planned)
  for (const planned of context.planned.plan.steps) {
    boundary(context.stop)
    const because = notTaken(planned, lookup)
    if (typeof because === 'string') {
      previews.set(planned.id, skipped)
      await context.journal.write({ type: 'skipped', step: planned.id, because })
      continue
    }
    const confidence: Confidence = planned.needs.some((id) => previews.get(id)?.seen !== true)
      ? 'predicted'
      : changed
        ? 'shifted'
        : 'firm'
    const input = preview(planned.input, lookup, (address) => untilOf(address, context.planned.plan.steps))
    const waiting = waitingFor(context, planned, previews)
    const { notes, ...seen } = await previewStep(context, planned, input, { confidence, waiting })
    const bringer = 'thrown' in seen ? bringerOf(bringers, context.planned.plan, planned, seen.thrown) : null
    const result = bringer === null ? seen : { ...seen, unknown: dependsOn(bringer) }
    previews.set(planned.id, result)
    if ('thrown' in result) {
      const why = failureOn(context, result.thrown)
      if (confidence === 'firm' && bringer === null) failure ??= why
      findings.push(
        bringer === null
          ? findingOf(planned, why, confidence)
          : askedLater(bringer, result.thrown, why.message),
      )
    }
    changed ||= changes(stepOf(context, planned), result)
    const { looked, before, prediction, unknown } = result
    const says = sentenceNow(context, planned, input)
    // A dry run changes nothing, so its next durable entry is soon enough.
    await context.journal.write(
      { type: 'foretold', step: planned.id, says, notes, looked, before, prediction, unknown },
      'soon',
    )
  }
  return { seen: lookupAmong(context, previews, ({ seen }) => seen), findings, failure }
}

/** Whether the state after a step differs from the one that is seen now: what is up is not brought up. */
const changes = (step: AnyStep, { looked, prediction }: StepPreview): boolean =>
  acts(step) && !(step.brings !== undefined && looked && prediction?.changes.length === 0)

/** Says which steps a step waits for whose values were not seen; null if there are none. */
function waitingFor(
  context: RunContext,
  { needs }: PlannedStep,
  previews: ReadonlyMap<string, StepPreview>,
): string | null {
  const titles = context.planned.plan.steps
    .filter(({ id }) => needs.includes(id) && previews.get(id)?.seen !== true)
    .map(({ title }) => `"${title}"`)
  return titles.length === 0 ? null : `not known yet: depends on ${titles.join(', ')}`
}

/** The step's sentence with the values known so far; the plan's sentence if `describe` fails. */
function sentenceNow(context: RunContext, planned: PlannedStep, input: Preview<JsonObject>): string {
  try {
    return sentenceOf(stepOf(context, planned), input)
  } catch {
    return planned.says
  }
}

function lookupAmong(
  context: RunContext,
  previews: ReadonlyMap<string, StepPreview>,
  counts: (result: StepPreview) => boolean,
): Lookup {
  return (address) => {
    if ('$param' in address) return at(context.planned.plan.params, [address.$param, ...address.path])
    const result = previews.get(address.$ref)
    if (result === skipped) return address.maybe === true ? null : undefined
    const known = result !== undefined && counts(result) ? at(result.output, address.path) : undefined
    return known === undefined || holdsPending(known) ? undefined : known
  }
}

/** A value with one part that is not known yet is not known: a step may use any part of it. */
const holdsPending = (value: Json): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (isPending(value) || Object.values(value).some((part) => holdsPending(part as Json)))

const findingOf = (planned: PlannedStep, { message, hint }: Failure, confidence: Confidence): Finding =>
  confidence === 'firm'
    ? {
        level: 'refuse',
        about: planned.title,
        problem: message,
        hint: hint ?? 'a real run would fail here',
      }
    : {
        level: 'warn',
        about: planned.title,
        problem: `in the current state: ${message}`,
        hint: 'earlier steps may fix this; a real run checks again',
      }

async function previewStep(
  context: RunContext,
  planned: PlannedStep,
  input: Preview<JsonObject>,
  known: Known,
): Promise<StepPreview & { readonly notes: readonly string[] }> {
  const step = stepOf(context, planned)
  const attempt = await openAttempt(context, planned, 'ahead')
  try {
    const result = await lookWithTimeout(context, attempt, planned.title, planned.timeoutSeconds, () =>
      look(step, attempt, input, known),
    )
    return { ...result, notes: [...attempt.notes] }
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown
    return {
      ...noPrediction,
      looked: true,
      unknown: failureOn(context, thrown).message,
      thrown,
      notes: [...attempt.notes],
    }
  } finally {
    await attempt.close()
  }
}

/** @throws what a look throws, unless earlier steps explain it; with `firm` a real run would meet it too */
async function look(
  step: AnyStep,
  attempt: AttemptContext,
  input: Preview<JsonObject>,
  { confidence, waiting }: Known,
): Promise<StepPreview> {
  if (step.effect === 'observe' && step.predict === undefined) {
    if (!isKnown(input) || confidence === 'predicted')
      return { ...noPrediction, unknown: waiting ?? 'reads what earlier steps create' }
    const output = requireJson(
      (await step.run(attempt.look, input)) as Json,
      `the output of the step ${step.kind}`,
    )
    const unknown = confidence === 'firm' ? null : 'read in the current state, before the steps above'
    return {
      ...noPrediction,
      output,
      seen: confidence === 'firm',
      looked: true,
      prediction: predictionOf(step, { output: lasting(output, step.volatile ?? []) }),
      unknown,
    }
  }
  if (!acts(step))
    return {
      ...(await predictionFrom(step, waiting, () => step.predict?.({ input, look: attempt.look }))),
      looked: step.effect === 'observe',
    }
  if (!isKnown(input))
    return predictionFrom(step, waiting, () => step.predict?.({ input, before: undefined }))
  let before: Json
  try {
    before = requireJson(
      (await step.survey(attempt.look, input)) as Json,
      `the survey of the step ${step.kind}`,
    )
  } catch (thrown) {
    if (confidence === 'firm') throw thrown
    // What earlier steps will create is not there yet; that does not speak against a real run.
    return {
      ...(await predictionFrom(step, waiting, () => step.predict?.({ input, before: undefined }))),
      unknown: 'cannot be read before the steps above have run',
    }
  }
  return {
    ...(await predictionFrom(step, waiting, () => step.predict?.({ input, before }))),
    looked: true,
    before,
  }
}

/** The part of an output that is still the same a moment later. */
const lasting = (output: Json, volatile: readonly string[]): Json =>
  isFields(output) && volatile.length > 0
    ? Object.fromEntries(Object.entries(output).filter(([name]) => !volatile.includes(name)))
    : output

/** @param waiting what a prediction that says nothing, or cannot be made, waits for */
async function predictionFrom(
  step: AnyStep,
  waiting: string | null,
  predict: () => Prediction<Json> | undefined | Promise<Prediction<Json> | undefined>,
): Promise<StepPreview> {
  try {
    const prediction = await predict()
    if (prediction === undefined) return noPrediction
    const stored = predictionOf(step, prediction)
    const { output, changes, seconds, bytes } = stored
    const empty = output === null && changes.length === 0 && seconds === null && bytes === null
    return {
      ...noPrediction,
      output: output ?? undefined,
      prediction: stored,
      unknown: empty ? waiting : null,
    }
  } catch (thrown) {
    // A real run does not need its prediction, so this is not a reason against one.
    return {
      ...noPrediction,
      unknown: waiting ?? `cannot be predicted: ${thrown instanceof Error ? thrown.message : textOf(thrown)}`,
    }
  }
}

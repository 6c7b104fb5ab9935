import type { Failure } from '../../kernel/errors.ts'
import { requireJson, type Json, type JsonObject } from '../../kernel/json.ts'
import { at, isKnown, isPending, preview, type Lookup, type Preview } from '../../model/pending.ts'
import { untilOf, type PlannedStep } from '../../model/plan.ts'
import { acts, type AnyStep, type Finding, type Prediction } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from '../engine/attempt-context.ts'
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
 * it. `shifted`: an earlier step will change the state. `foretold`: an input was not seen.
 */
type Confidence = 'firm' | 'shifted' | 'foretold'

interface StepPreview {
  /** Value for later steps; `seen` only if the confidence is `firm`. */
  readonly output: Json | undefined
  readonly seen: boolean
  readonly looked: boolean
  readonly before: Json
  readonly prediction: StoredPrediction | null
  readonly unknown: string | null
  /** The look itself failed. */
  readonly thrown?: unknown
}

const nothing: StepPreview = {
  output: undefined,
  seen: false,
  looked: false,
  before: null,
  prediction: null,
  unknown: 'this step makes no prediction',
}
/** A skipped step surely has no output. */
const skipped: StepPreview = { ...nothing, seen: true }

/**
 * Goes through the plan with read-only views: runs observations, surveys and predicts changes.
 * Values that only a real run can produce are reported as unknown.
 */
export async function previewRun(stage: RunContext): Promise<DryRunResult> {
  const sights = new Map<string, StepPreview>()
  const findings: Finding[] = []
  let failure: Failure | null = null
  let changed = false
  const lookup = lookupAmong(stage, sights, () => true)
  for (const planned of stage.planned.plan.steps) {
    boundary(stage.stop)
    const because = notTaken(planned, lookup)
    if (typeof because === 'string') {
      sights.set(planned.id, skipped)
      await stage.ledger.write({ type: 'skipped', step: planned.id, because })
      continue
    }
    const ground: Confidence = planned.needs.some((id) => sights.get(id)?.seen !== true)
      ? 'foretold'
      : changed
        ? 'shifted'
        : 'firm'
    const input = preview(planned.input, lookup, (address) => untilOf(address, stage.planned.plan.steps))
    const { notes, ...sight } = await sightOf(stage, planned, input, ground)
    sights.set(planned.id, sight)
    if ('thrown' in sight) {
      const why = failureOn(stage, sight.thrown)
      if (ground === 'firm') failure ??= why
      findings.push(findingOf(planned, why, ground))
    }
    changed ||= acts(stepOf(stage, planned))
    const { looked, before, prediction, unknown } = sight
    const says = sentenceOf(stage, planned, input)
    await stage.ledger.write({
      type: 'foretold',
      step: planned.id,
      says,
      notes,
      looked,
      before,
      prediction,
      unknown,
    })
  }
  return { seen: lookupAmong(stage, sights, ({ seen }) => seen), findings, failure }
}

/** The step's sentence with the values known so far; the plan's sentence if `describe` fails. */
function sentenceOf(stage: RunContext, planned: PlannedStep, input: Preview<JsonObject>): string {
  try {
    return stepOf(stage, planned).describe(input)
  } catch {
    return planned.says
  }
}

function lookupAmong(
  stage: RunContext,
  sights: ReadonlyMap<string, StepPreview>,
  counts: (sight: StepPreview) => boolean,
): Lookup {
  return (address) => {
    if ('$param' in address) return at(stage.planned.plan.params, [address.$param, ...address.path])
    const sight = sights.get(address.$ref)
    if (sight === skipped) return address.maybe === true ? null : undefined
    const known = sight !== undefined && counts(sight) ? at(sight.output, address.path) : undefined
    return isPending(known) ? undefined : known
  }
}

const findingOf = (planned: PlannedStep, { message, hint }: Failure, ground: Confidence): Finding =>
  ground === 'firm'
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

async function sightOf(
  stage: RunContext,
  planned: PlannedStep,
  input: Preview<JsonObject>,
  ground: Confidence,
): Promise<StepPreview & { readonly notes: readonly string[] }> {
  const step = stepOf(stage, planned)
  const bench = await openAttempt(stage, planned, 'ahead')
  try {
    const sight = await lookWithTimeout(stage, bench, planned.title, planned.timeoutSeconds, () =>
      look(step, bench, input, ground),
    )
    return { ...sight, notes: [...bench.notes] }
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown
    return {
      ...nothing,
      looked: true,
      unknown: failureOn(stage, thrown).message,
      thrown,
      notes: [...bench.notes],
    }
  } finally {
    await bench.close()
  }
}

/** @throws what a look throws, unless earlier steps explain it; with `firm` a real run would meet it too */
async function look(
  step: AnyStep,
  bench: AttemptContext,
  input: Preview<JsonObject>,
  ground: Confidence,
): Promise<StepPreview> {
  if (step.effect === 'observe' && step.predict === undefined) {
    if (!isKnown(input) || ground === 'foretold')
      return { ...nothing, unknown: 'reads what earlier steps create' }
    const output = requireJson((await step.run(bench.look, input)) as Json, 'the output')
    const unknown = ground === 'firm' ? null : 'read in the current state, before the steps above'
    return {
      ...nothing,
      output,
      seen: ground === 'firm',
      looked: true,
      prediction: predictionOf({ output }),
      unknown,
    }
  }
  if (!acts(step))
    return {
      ...(await foretoldBy(() => step.predict?.({ input, look: bench.look }))),
      looked: step.effect === 'observe',
    }
  if (!isKnown(input)) return foretoldBy(() => step.predict?.({ input, before: undefined }))
  let before: Json
  try {
    before = requireJson((await step.survey(bench.look, input)) as Json, 'the survey')
  } catch (thrown) {
    if (ground === 'firm') throw thrown
    // What earlier steps will create is not there yet; that does not speak against a real run.
    return {
      ...(await foretoldBy(() => step.predict?.({ input, before: undefined }))),
      unknown: 'cannot be read before the steps above have run',
    }
  }
  return { ...(await foretoldBy(() => step.predict?.({ input, before }))), looked: true, before }
}

async function foretoldBy(
  predict: () => Prediction<Json> | undefined | Promise<Prediction<Json> | undefined>,
): Promise<StepPreview> {
  try {
    const prediction = await predict()
    if (prediction === undefined) return nothing
    const foretold = predictionOf(prediction)
    return { ...nothing, output: foretold.output, prediction: foretold, unknown: null }
  } catch (thrown) {
    // A real run does not need its prediction, so this is not a reason against one.
    return {
      ...nothing,
      unknown: `cannot be predicted: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    }
  }
}

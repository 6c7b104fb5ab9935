import { failureOf } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { at, isKnown, preview, type Lookup, type Preview } from '../model/pending.ts'
import { untilOf, type PlannedStep } from '../model/plan.ts'
import { acts, type AnyStep, type Prediction } from '../model/step.ts'
import { within } from './attempt.ts'
import type { Foretold } from './entry.ts'
import { foretoldOf } from './foretold.ts'
import { benchFor, finishLog, stepOf, type Bench, type Stage } from './stage.ts'
import { notTaken } from './state.ts'

/** What a dry run makes of one step. `output` is what later steps may count on; `firm` when it was seen and not foretold. */
interface Sight {
  readonly output: Json | undefined
  readonly firm: boolean
}

/** How a dry run ended: values that observations found, and failures that a real run would meet as things are now. */
export interface Foresight {
  readonly lookup: Lookup
  readonly failures: readonly { readonly step: PlannedStep; readonly message: string; readonly hint: string | undefined; readonly code: string }[]
}

/**
 * Goes through the plan with read-only eyes: observations look for real, changes are surveyed and foretold, nothing acts.
 * A value that only the real run can make stays unknown and is said to be.
 */
export async function foretell(stage: Stage): Promise<Foresight> {
  const sights = new Map<string, Sight>()
  const failures: Foresight['failures'][number][] = []
  const lookup: Lookup = (address) => {
    if ('$param' in address) return at(stage.planned.plan.params[address.$param], address.path)
    const known = at(sights.get(address.$ref)?.output, address.path)
    return isUnknown(known) ? undefined : known
  }
  for (const planned of stage.planned.plan.steps) {
    if (typeof notTaken(planned, lookup) === 'string') {
      await stage.record.write({ type: 'skipped', step: planned.id, because: String(notTaken(planned, lookup)) })
      continue
    }
    const step = stepOf(stage, planned)
    const input = preview(planned.input, lookup, (address) => untilOf(address, stage.planned.plan.steps))
    const firm = planned.needs.every((id) => sights.get(id)?.firm === true)
    const bench = await benchFor(stage, planned, 'run')
    const seen = await within(stage, bench, planned.title, planned.timeoutSeconds, () => look(step, bench, input, firm))
    await finishLog(stage, bench)
    sights.set(planned.id, { output: seen.output, firm: seen.firm })
    if (seen.failure !== undefined) {
      const { message, hint, code } = failureOf(seen.failure)
      failures.push({ step: planned, message, hint, code })
    }
    await stage.record.write({
      type: 'foretold', step: planned.id, looked: seen.looked, before: seen.before ?? null, prediction: seen.prediction, unknown: seen.unknown,
    })
  }
  return { lookup, failures }
}

interface Seen extends Sight {
  readonly looked: boolean
  readonly before?: Json
  readonly prediction: Foretold | null
  readonly unknown: string | null
  readonly failure?: unknown
}

async function look(step: AnyStep, bench: Bench, input: Preview<JsonObject>, firm: boolean): Promise<Seen> {
  if (step.effect === 'observe' && step.predict === undefined) return observe(step, bench, input, firm)
  if (!acts(step)) {
    const prediction = (await step.predict?.({ input, look: bench.look })) ?? null
    return { ...from(prediction), looked: step.effect === 'observe' }
  }
  if (!isKnown(input)) return { ...from(step.predict?.({ input, before: undefined }) ?? null), looked: false }
  try {
    const before = await step.survey(bench.look, input)
    return { ...from(step.predict?.({ input, before }) ?? null), looked: true, before }
  } catch (thrown) {
    // What was only foretold is not there to be looked at; that says nothing against the real run.
    const seen = { ...from(step.predict?.({ input, before: undefined }) ?? null), looked: false }
    return firm ? { ...seen, failure: thrown } : { ...seen, unknown: `could not be surveyed before the steps it depends on: ${failureOf(thrown).message}` }
  }
}

async function observe(step: Extract<AnyStep, { effect: 'observe' }>, bench: Bench, input: Preview<JsonObject>, firm: boolean): Promise<Seen> {
  const nothing = { output: undefined, firm: false, prediction: null }
  if (!isKnown(input) || !firm) return { ...nothing, looked: false, unknown: 'looks at what earlier steps will have made' }
  try {
    return { output: (await step.run(bench.look, input)) as Json, firm: true, looked: true, prediction: null, unknown: null }
  } catch (thrown) {
    return { ...nothing, looked: true, unknown: failureOf(thrown).message, failure: thrown }
  }
}

function from(prediction: Prediction<Json> | null): Sight & { readonly prediction: Foretold | null; readonly unknown: string | null } {
  if (prediction === null) return { output: undefined, firm: false, prediction: null, unknown: 'this step foretells nothing' }
  const foretold = foretoldOf(prediction)
  return { output: foretold.output, firm: false, prediction: foretold, unknown: null }
}

function isUnknown(value: Json | undefined): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && '$until' in value)
}

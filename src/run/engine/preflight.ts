import { Readable } from 'node:stream'
import { requireJson, type JsonObject } from '../../kernel/json.ts'
import { preview, type Lookup } from '../../model/pending.ts'
import { untilOf, type PlannedStep } from '../../model/plan.ts'
import { addressesIn } from '../../model/recording.ts'
import { nameOf } from '../../model/ref.ts'
import type { Finding } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from './attempt-context.ts'
import { lookWithTimeout } from './timeout.ts'
import { handlesIn, lackingSecrets, programFindings, programsOf } from './requirements.ts'
import { failureOn, lookupOn, stateOfStep, stepOf, type RunContext } from './run-context.ts'
import { notTaken } from '../journal/state.ts'
import { boundary, Stopped } from './stop.ts'

/** Timeout of one look, in seconds. */
const bound = 60

/** Concurrent looks. Each may start a program; all at once would time out on a small machine. */
const atOnce = 4

/**
 * Collects the reasons not to start from all steps of the plan. Steps get read-only views.
 * @param lookup values known before the run: its parameters, and in a dry run the outputs of observations
 * @param concerns which steps to ask; default: all
 */
export async function preflight(
  stage: RunContext,
  lookup: Lookup,
  concerns: (step: PlannedStep) => boolean = () => true,
): Promise<readonly Finding[]> {
  const steps = stage.planned.plan.steps.filter(
    (step) => concerns(step) && typeof notTaken(step, lookup) !== 'string',
  )
  const inputs = steps.map((planned) => ({
    planned,
    input: preview(planned.input, lookup, (address) => untilOf(address, stage.planned.plan.steps)),
  }))
  const looks = [
    ...programsOf(stage, inputs).map(({ planned, need }) => ({
      planned,
      about: need.program,
      look: (bench: AttemptContext) => programFindings(bench.look, need),
    })),
    ...inputs.map(({ planned, input }) => ({
      planned,
      about: planned.title,
      look: (bench: AttemptContext) => findingsOf(stage, bench, planned, input),
    })),
  ]
  const found = (await Readable.from(looks)
    .map(({ planned, about, look }: (typeof looks)[number]) => looked(stage, planned, about, look), {
      concurrency: atOnce,
    })
    .toArray()) as readonly (readonly Finding[])[]
  return unique([...missingParams(stage, lookup, steps), ...found.flat()])
}

/**
 * Checks before a resume that all answers the run still needs can be obtained: if one were missing later, the
 * run would roll back.
 */
export const missingAnswers = (stage: RunContext): Promise<readonly Finding[]> =>
  preflight(
    stage,
    lookupOn(stage),
    (step) => step.effect === 'decide' && !['done', 'skipped'].includes(stateOfStep(stage, step).status),
  )

async function findingsOf(
  stage: RunContext,
  bench: AttemptContext,
  planned: PlannedStep,
  input: JsonObject,
): Promise<readonly Finding[]> {
  const step = stepOf(stage, planned)
  const lacking = await lackingSecrets(bench.look, planned, step.secrets?.(input) ?? handlesIn(input))
  const found = (await step.preflight?.(bench.look, input)) ?? []
  return [...lacking, ...requireJson(found, `what "${planned.title}" found`)]
}

async function looked(
  stage: RunContext,
  planned: PlannedStep,
  about: string,
  look: (bench: AttemptContext) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  boundary(stage.stop)
  const bench = await openAttempt(stage, planned, 'ahead')
  try {
    return stage.mask.json(await lookWithTimeout(stage, bench, about, bound, () => look(bench)))
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown
    const { message, hint } = failureOn(stage, thrown)
    return [{ level: 'refuse', about, problem: message, hint: hint ?? 'fix this and start again' }]
  } finally {
    await bench.close()
  }
}

/** The caller should have asked for them; a run that lacks one would stop half-way. */
function missingParams(stage: RunContext, lookup: Lookup, steps: readonly PlannedStep[]): readonly Finding[] {
  const wanted = steps.flatMap((step) => [...addressesIn(step.input), ...step.only.map(({ value }) => value)])
  return wanted.flatMap((address): readonly Finding[] => {
    if (!('$param' in address) || lookup(address) !== undefined) return []
    const flag = nameOf(address)
    return [
      {
        level: 'refuse',
        about: flag,
        problem: `${stage.planned.plan.runbook} requires ${flag}, which is not given`,
        hint: `add ${flag}`,
      },
    ]
  })
}

function unique(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.level} ${finding.problem}`, finding])).values()]
}

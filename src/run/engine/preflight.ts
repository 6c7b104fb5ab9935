import { requireJson, type JsonObject } from '../../kernel/json.ts'
import { preview, type Lookup } from '../../model/pending.ts'
import { untilOf, type PlannedStep } from '../../model/plan.ts'
import { handlesIn, type SecretHandle } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { addressesIn } from '../../model/recording.ts'
import { nameOf } from '../../model/ref.ts'
import { findingsFrom, secretsOf } from '../../model/returned.ts'
import type { Finding, PlanFacts } from '../../model/step.ts'
import { openAttempt, type AttemptContext } from './attempt-context.ts'
import { askedLater, bringerOf, bringersIn, type Bringers } from './bringing.ts'
import { NotRetryable } from './apply.ts'
import { planFactsOf } from './plan-facts.ts'
import { lookWithTimeout } from './timeout.ts'
import { lackingSecrets, nameOfNeed, needFindings, requirementsOf } from './requirements.ts'
import { failureOn, lookupOn, stateOfStep, stepOf, type RunContext } from './run-context.ts'
import type { Provenance } from '../journal/provenance.ts'
import { notTaken } from '../journal/state.ts'
import { boundary, Stopped } from './stop.ts'

/** Timeout of one look, in seconds. */
const bound = 60

/** Concurrent looks. Each may start a program; all at once would time out on a small machine. */
const atOnce = 4

/**
 * Collects the reasons not to start from all steps of the plan. Steps get read-only views.
 * @param lookup values known before the run: its parameters, and in a dry run the outputs of observations
 * What an earlier step brings up is not looked at before: the finding says so, and `preflightAgain` does it.
 * @param concerns which steps to ask; default: all
 * @param bringers steps that will bring up what is down
 */
export async function preflight(
  context: RunContext,
  lookup: Lookup,
  concerns: (step: PlannedStep) => boolean = () => true,
  bringers: Bringers = bringersIn(context.planned),
): Promise<readonly Finding[]> {
  const { plan } = context.planned
  const taken = plan.steps
    .filter((step) => typeof notTaken(step, lookup) !== 'string')
    .map((planned) => ({
      planned,
      input: preview(planned.input, lookup, (address) => untilOf(address, plan.steps)),
      step: context.planned.steps.get(planned.id),
    }))
  const factsAt = (at: PlannedStep): PlanFacts =>
    planFactsOf(
      plan,
      taken.slice(
        0,
        taken.findIndex(({ planned }) => planned === at),
      ),
    )
  const inputs = taken.filter(({ planned }) => concerns(planned))
  const faults: Finding[] = []
  const requirements = requirementsOf(context, inputs, ({ title }, thrown) => {
    faults.push(refusalFor(context, title, thrown))
  })
  const looks = [
    ...requirements.map(({ planned, need }) => ({
      planned,
      about: nameOfNeed(need),
      look: (attempt: AttemptContext) => needFindings(attempt.look, need),
    })),
    ...inputs.filter(asksSomething(context)).map(({ planned, input }) => ({
      planned,
      about: planned.title,
      look: (attempt: AttemptContext) => findingsOf(context, attempt, planned, input, factsAt(planned)),
    })),
  ]
  const found: (readonly Finding[])[] = []
  const waiting = looks.entries()
  // Each takes the next one that waits. After a stop no look begins.
  const lookOn = async (): Promise<void> => {
    for (const [index, { planned, about, look }] of waiting)
      found[index] = await runLook(context, planned, about, look, bringers)
  }
  await Promise.all(Array.from({ length: atOnce }, lookOn))
  return unique([
    ...missingParams(
      context,
      lookup,
      inputs.map(({ planned }) => planned),
    ),
    ...faults,
    ...found.flat(),
  ])
}

/**
 * Asks what preflight could not ask before a step had brought something up, once it has.
 * @throws RunbookError `preflight` with the reasons not to go on
 */
export async function preflightAgain(context: RunContext, brought: PlannedStep): Promise<void> {
  const known = context.journal.entries.flatMap(({ entry }) =>
    entry.type === 'preflighted' ? [entry.findings] : [],
  )
  const before = known.at(-1) ?? []
  if (!before.some(({ after }) => after === brought.id)) return
  const { steps } = context.planned.plan
  const later = new Set(steps.slice(steps.findIndex(({ id }) => id === brought.id) + 1).map(({ id }) => id))
  const found = await preflight(context, lookupOn(context), ({ id }) => later.has(id), new Map())
  await noteFindings(context, unique([...before.filter(({ after }) => after !== brought.id), ...found]))
  const refused = refusals(found)
  if (refused.length === 0) return
  throw new NotRetryable('preflight', refusalOf(found), {
    hint: refused.map(({ hint }) => hint).join('; '),
  })
}

export async function noteFindings(
  context: RunContext,
  findings: readonly Finding[],
  provenance: Provenance | null = null,
): Promise<void> {
  const refused = refusals(findings).length
  await context.journal.write({
    type: 'preflighted',
    findings,
    refusals: refused,
    warnings: findings.length - refused,
    ...(provenance === null ? {} : { provenance }),
  })
}

export const refusals = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ level }) => level === 'refuse')

export const refusalOf = (findings: readonly Finding[]): string =>
  refusals(findings)
    .map(({ problem }) => problem)
    .join('; ')

/**
 * Checks before a resume that all answers the run still needs can be obtained: if one were missing later, the
 * run would roll back.
 */
export const missingAnswers = (context: RunContext): Promise<readonly Finding[]> =>
  preflight(
    context,
    lookupOn(context),
    (step) => step.effect === 'decide' && !['done', 'skipped'].includes(stateOfStep(context, step).status),
  )

/** The drivers and the log of a look cost more than a step that has nothing to ask. */
const asksSomething =
  (context: RunContext) =>
  ({ planned, input }: { readonly planned: PlannedStep; readonly input: JsonObject }): boolean => {
    const step = context.planned.steps.get(planned.id)
    return step?.preflight !== undefined || step?.secrets !== undefined || handlesIn(input).length > 0
  }

async function findingsOf(
  context: RunContext,
  attempt: AttemptContext,
  planned: PlannedStep,
  input: JsonObject,
  facts: PlanFacts,
): Promise<readonly Finding[]> {
  const step = stepOf(context, planned)
  const missing = await lackingSecrets(attempt.look, planned, secretsOf(step, input) ?? handlesIn(input))
  try {
    const found = requireJson(
      (await step.preflight?.(attempt.look, input, facts)) ?? [],
      `what "${planned.title}" found`,
    )
    return [...missing, ...findingsFrom(step, found)]
  } catch (thrown) {
    // What failed for want of a secret has one cause and one cure.
    if (missing.length === 0 || !isOfSecret(thrown, handlesIn(input))) throw thrown
    return missing
  }
}

const isOfSecret = (thrown: unknown, handles: readonly SecretHandle[]): boolean =>
  thrown instanceof RunbookError && handles.some(({ secret }) => thrown.message.includes(`secret ${secret} `))

async function runLook(
  context: RunContext,
  planned: PlannedStep,
  about: string,
  look: (attempt: AttemptContext) => Promise<readonly Finding[]>,
  bringers: Bringers,
): Promise<readonly Finding[]> {
  boundary(context.stop)
  const attempt = await openAttempt(context, planned, 'ahead')
  try {
    return context.mask.json(await lookWithTimeout(context, attempt, about, bound, () => look(attempt)))
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown
    const step = bringerOf(bringers, context.planned.plan, planned, thrown)
    return [
      step === null
        ? refusalFor(context, about, thrown)
        : askedLater(step, thrown, failureOn(context, thrown).message),
    ]
  } finally {
    await attempt.close()
  }
}

function refusalFor(context: RunContext, about: string, thrown: unknown): Finding {
  const { message, hint } = failureOn(context, thrown)
  return { level: 'refuse', about, problem: message, hint: hint ?? 'fix this and start again' }
}

/** The caller should have asked for them; a run that lacks one would stop half-way. */
function missingParams(
  context: RunContext,
  lookup: Lookup,
  steps: readonly PlannedStep[],
): readonly Finding[] {
  const addresses = steps.flatMap((step) => [
    ...addressesIn(step.input),
    ...step.only.map(({ value }) => value),
  ])
  return addresses.flatMap((address): readonly Finding[] => {
    if (!('$param' in address) || lookup(address) !== undefined) return []
    const flag = nameOf(address)
    return [
      {
        level: 'refuse',
        about: flag,
        problem: `${context.planned.plan.runbook} requires ${flag}, which is not given`,
        hint: `add ${flag}`,
      },
    ]
  })
}

/** Of the same problem, what the first step found: the last one would be named as if only it were concerned. */
function unique(findings: readonly Finding[]): readonly Finding[] {
  const keyOf = ({ level, problem }: Finding): string => `${level} ${problem}`
  const known = new Set<string>()
  return findings.filter((finding) => !known.has(keyOf(finding)) && known.add(keyOf(finding)))
}

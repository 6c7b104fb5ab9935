import type { SecretHandle } from '../drivers/secrets.ts'
import { failureOf } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { preview, type Lookup } from '../model/pending.ts'
import { untilOf, type PlannedStep } from '../model/plan.ts'
import type { AnyStep, Finding, Look, Need } from '../model/step.ts'
import { benchFor, finishLog, stepOf, type Stage } from './stage.ts'
import { notTaken } from './state.ts'

/** Seconds after which a look counts as hung. */
const bound = 60

/**
 * Asks every step of the plan for reasons not to start, and gives all of them at once. Only views are used.
 * @param lookup values that are known before the run: its parameters, and in a dry run what observations have found
 */
export async function preflight(stage: Stage, lookup: Lookup): Promise<readonly Finding[]> {
  const steps = stage.planned.plan.steps.filter((step) => typeof notTaken(step, lookup) !== 'string')
  const perStep = await Promise.all(steps.map((step) => findingsOf(stage, step, lookup)))
  return unique([...(await programs(stage, steps, lookup)), ...perStep.flat()])
}

async function findingsOf(stage: Stage, planned: PlannedStep, lookup: Lookup): Promise<readonly Finding[]> {
  const step = stepOf(stage, planned)
  const bench = await benchFor(stage, planned, 'run')
  const input = preview(planned.input, lookup, (address) => untilOf(address, stage.planned.plan.steps))
  try {
    const found = await bounded(stage, planned, async () => [
      ...(await secrets(bench.look, planned.title, input as JsonObject)),
      ...((await step.preflight?.(bench.look, input)) ?? []),
    ])
    return found
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return [{ level: 'refuse', about: planned.title, problem: message, hint: hint ?? 'mend this and start again' }]
  } finally {
    bench.signal.abort()
    await finishLog(stage, bench)
  }
}

async function bounded<T>(stage: Stage, planned: PlannedStep, look: () => Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = stage.clock.sleep(bound * 1000, timer.signal).then(() => {
    throw new Error(`looking ahead for "${planned.title}" got no answer within ${bound} s`)
  })
  try {
    return await Promise.race([look(), late])
  } finally {
    timer.abort()
    await late.catch(() => undefined)
  }
}

async function programs(stage: Stage, steps: readonly PlannedStep[], lookup: Lookup): Promise<readonly Finding[]> {
  const needs = new Map<string, { need: Need; planned: PlannedStep }>()
  for (const planned of steps) {
    const step: AnyStep = stepOf(stage, planned)
    for (const need of step.needs?.(preview(planned.input, lookup)) ?? []) needs.set(`${need.program} ${need.atLeast ?? ''}`, { need, planned })
  }
  const found = await Promise.all([...needs.values()].map(({ need, planned }) => program(stage, planned, need)))
  return found.flat()
}

async function program(stage: Stage, planned: PlannedStep, need: Need): Promise<readonly Finding[]> {
  const bench = await benchFor(stage, planned, 'run')
  try {
    const version = await bench.look.commands.version(need.program)
    if (version === null) {
      return [{ level: 'refuse', about: need.program, problem: `${need.program} is not installed; ${need.why}`, hint: `install ${need.program}` }]
    }
    if (need.atLeast !== undefined && older(version, need.atLeast)) {
      return [{
        level: 'refuse', about: need.program, problem: `${need.program} is ${version}, and ${need.atLeast} is needed; ${need.why}`, hint: `install ${need.program} ${need.atLeast} or newer`,
      }]
    }
    return []
  } finally {
    await finishLog(stage, bench)
  }
}

/** Compares dotted versions number by number. */
export function older(version: string, wanted: string): boolean {
  const one = version.split('.').map(Number)
  const other = wanted.split('.').map(Number)
  for (const [index, part] of other.entries()) {
    const mine = one[index] ?? 0
    if (mine !== part) return mine < part
  }
  return false
}

/** Of the input as it will be: a secret may come in by a parameter. */
async function secrets(look: Look, title: string, input: JsonObject): Promise<readonly Finding[]> {
  const found = await Promise.all(
    handlesIn(input).map(async (handle): Promise<readonly Finding[]> => {
      if (await look.secrets.available(handle)) return []
      const where = 'env' in handle.from ? `the variable ${handle.from.env}` : `the file ${handle.from.file}`
      return [{ level: 'refuse', about: title, problem: `the secret ${handle.secret} is not there: ${where} is missing, or shorter than eight bytes`, hint: `set ${where} and start again` }]
    }),
  )
  return found.flat()
}

/** Every secret that an input names. */
export function handlesIn(value: Json): readonly SecretHandle[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(handlesIn)
  if (typeof value !== 'object' || value === null) return []
  const object = value as JsonObject
  if (typeof object['secret'] === 'string' && typeof object['from'] === 'object') return [object as unknown as SecretHandle]
  return Object.values(object).flatMap(handlesIn)
}

function unique(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.level} ${finding.problem}`, finding])).values()]
}

import { RunbookError } from '../../kernel/errors.ts'
import { canonical, type Json, type JsonObject } from '../../kernel/json.ts'
import { onceEach } from '../../kernel/once-each.ts'
import { handlesIn } from '../../drivers/secrets.ts'
import type { Plan, PlannedStep } from '../../model/plan.ts'
import type { Finding } from '../../model/step.ts'
import type { Mask } from './run-context.ts'

/**
 * What a run can only do with its true text: which system it acts on and how its parts are called. Variables
 * of a service and free settings are left out: they are masked in the journal and read back from today's plan.
 */
export function mustStayReadable({ runbook, target, system, steps }: Plan): JsonObject {
  const { settings: _settings, title: _title, ...sections } = target
  return {
    runbook,
    target: withoutVariables(sections),
    system,
    steps: steps.map(({ id, kind, group, only }) => ({ id, kind, group, only })),
  }
}

const withoutVariables = (value: Json): Json =>
  mapped(value, (key, inner) => (key === 'environment' ? null : withoutVariables(inner)))

/**
 * Refuses a run whose plan contains a secret where it cannot be masked without changing what the run does.
 * @param given what else is recorded as it is, by what the operator calls it
 * @returns a warning for each secret that is not masked, since it is an ordinary word of the plan
 * @throws RunbookError `usage`, which names the secret and the place, never the value
 */
export function refuseSecretsIn(plan: Plan, mask: Mask, given: JsonObject): readonly Finding[] {
  const { readable, text } = readableIn(plan)
  const words = mask.publish(text).map(notMasked)
  const params = Object.fromEntries(
    Object.entries(plan.params).map(([name, value]) => [`parameter ${name}`, value]),
  )
  const recorded = { ...given, ...params, ...readable }
  // The same value where nothing is masked, as in nearly every plan; the place is searched only otherwise.
  if (mask.json(recorded) === recorded) return words
  const [found] = maskedIn(recorded, mask, [])
  if (found === undefined) return words
  const { where, masked } = found
  const name = /\[redacted:([^\]]+)\]/.exec(masked)?.[1]
  throw new RunbookError(
    'usage',
    `${where} contains the value of ${name === undefined ? 'a secret' : `secret ${name}`}; ` +
      'it would be masked there, and the run could not continue from its journal',
    {
      hint: "name the secret there with secret('VARIABLE') if the setting takes one; if its value is a common word, choose another value",
    },
  )
}

/** What must stay readable of a plan, and its text. */
export const readableIn = onceEach((plan: Plan) => {
  const readable = mustStayReadable(plan)
  return { readable, text: canonical(readable) }
})

export const secretsNamedIn = onceEach((plan: Plan) => handlesIn(plan))

const notMasked = (name: string): Finding => ({
  level: 'warn',
  about: `secret ${name}`,
  problem: `secret ${name} is not masked: its value is an ordinary word that the configuration contains`,
  hint: 'choose another value for it',
})

type Hit = { readonly where: string; readonly masked: string }

function maskedIn(value: Json, mask: Mask, path: readonly string[]): readonly Hit[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value as { readonly [key: string]: Json }).flatMap(([key, inner]) => {
      const masked = mask.json(key)
      return masked === key ? maskedIn(inner, mask, [...path, key]) : [{ where: path.join('.'), masked }]
    })
  }
  const masked = mask.json(value)
  return masked === value ? [] : [{ where: path.join('.'), masked: String(masked) }]
}

/**
 * A stored value with its masked texts restored from today's value at the same place; texts that differ from
 * today's stay masked.
 */
export function unmasked<T extends Json>(stored: T, today: Json | undefined, mask: Mask): T {
  if (today === undefined) return stored
  if (Array.isArray(stored) && Array.isArray(today))
    return (stored as readonly Json[]).map((item, index) =>
      unmasked(item, today[index] as Json | undefined, mask),
    ) as Json as T
  if (isObject(stored) && isObject(today))
    return mapped(stored, (key, inner) => unmasked(inner, today[key], mask)) as T
  return stored !== today && mask.json(today) === stored ? (today as T) : stored
}

/** The plan of a run with the secrets that the journal masks, as far as today's plan has them. */
export function unmaskedPlan(plan: Plan, today: Plan, mask: Mask): Plan {
  // Nothing is masked in it, as in nearly every plan.
  if (canonical(plan) === canonical(today)) return plan
  const steps = new Map(today.steps.map((step) => [step.id, step]))
  return {
    ...plan,
    target: unmasked(plan.target, today.target, mask),
    steps: plan.steps.map((step) => unmasked<PlannedStep>(step, steps.get(step.id), mask)),
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function mapped(value: Json, change: (key: string, inner: Json) => Json): Json {
  if (Array.isArray(value)) return value.map((item: Json, index) => change(String(index), item))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(key, inner as Json)]))
}

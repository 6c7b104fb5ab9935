import type { SecretHandle } from '../drivers/secrets.ts'
import { RunbookError, shown, type Code } from '../kernel/errors.ts'
import { isFields, type Json, type JsonObject } from '../kernel/json.ts'
import { isOptionalPackage } from '../kernel/optional-packages.ts'
import type { Preview } from './pending.ts'
import type { AnyStep, Finding, Need, Prediction, ProbeResult, RowsBeforeAndAfter } from './step.ts'

/** Messages do not grow with what a step returns. */
const longest = 120

/** Fails for what a function of a step returned, which no compiler may have checked. */
function refuse(
  code: Code,
  { kind }: AnyStep,
  method: string,
  expected: string,
  returned: unknown,
): RunbookError {
  const text = shown(returned)
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text
  return new RunbookError(code, `the step ${kind}: ${method} must return ${expected}, not ${short}`, {
    hint: `fix ${method} of the step ${kind}`,
  })
}

const isText = (value: unknown): value is string => typeof value === 'string'

const isListOf = (value: unknown, fits: (one: unknown) => boolean): value is readonly unknown[] =>
  Array.isArray(value) && value.every(fits)

/** @throws RunbookError `usage` if `describe` returns no text */
export function sentenceOf(step: AnyStep, input: Preview<JsonObject>): string {
  const returned: unknown = step.describe(input)
  if (isText(returned)) return returned
  throw refuse('usage', step, 'describe', 'a sentence', returned)
}

/** The programs and packages that a step needs. @throws RunbookError `usage` if `needs` returns something else */
export function needsOf(step: AnyStep, input: Preview<JsonObject>): readonly Need[] {
  const returned: unknown = step.needs?.(input) ?? []
  const isNeed = (one: unknown): boolean =>
    isFields(one) &&
    isText(one['why']) &&
    (isOptionalPackage(one['package'])
      ? one['program'] === undefined
      : isText(one['program']) &&
        one['program'].trim() !== '' &&
        (one['atLeast'] === undefined || (isText(one['atLeast']) && /\d/.test(one['atLeast']))))
  if (isListOf(returned, isNeed)) return returned as readonly Need[]
  throw refuse(
    'usage',
    step,
    'needs',
    `programs such as { program: 'tar', atLeast: '1.2', why: '…' }`,
    returned,
  )
}

/** What a step brings up. @throws RunbookError `usage` if `brings` returns something else */
export function bringsOf(step: AnyStep, input: Preview<JsonObject>): readonly string[] {
  const returned: unknown = step.brings?.(input) ?? []
  if (isListOf(returned, isText)) return returned as readonly string[]
  throw refuse('usage', step, 'brings', "names such as ['shop/db']", returned)
}

/**
 * The secrets that a step needs; null if it does not say.
 * @throws RunbookError `usage` if `secrets` returns something else
 */
export function secretsOf(step: AnyStep, input: Preview<JsonObject>): readonly SecretHandle[] | null {
  if (step.secrets === undefined) return null
  const returned: unknown = step.secrets(input)
  const isHandle = (one: unknown): boolean =>
    isFields(one) &&
    isText(one['secret']) &&
    isFields(one['from']) &&
    (isText(one['from']['env']) || isText(one['from']['file']))
  if (isListOf(returned, isHandle)) return returned as readonly SecretHandle[]
  throw refuse('usage', step, 'secrets', 'handles from param.secret(…) or secret(…)', returned)
}

/** What `preflight` returned; nothing counts as no finding. @throws RunbookError `usage` for anything else */
export function findingsFrom(step: AnyStep, returned: unknown): readonly Finding[] {
  const isFinding = (one: unknown): boolean =>
    isFields(one) &&
    (one['level'] === 'refuse' || one['level'] === 'warn') &&
    ['about', 'problem', 'hint'].every((name) => isText(one[name]))
  if (returned === undefined || returned === null) return []
  if (isListOf(returned, isFinding)) return returned as readonly Finding[]
  throw refuse(
    'usage',
    step,
    'preflight',
    `findings such as { level: 'refuse', about: '…', problem: '…', hint: '…' }`,
    returned,
  )
}

/** What `predict` returned. @throws RunbookError `usage` for anything but a prediction */
export function predictionFrom(step: AnyStep, returned: unknown): Prediction<Json> {
  const isAmount = (value: unknown): boolean =>
    value === undefined || value === null || typeof value === 'number'
  if (
    isFields(returned) &&
    !(returned instanceof Promise) &&
    isListOf(returned['changes'] ?? [], isText) &&
    isAmount(returned['seconds']) &&
    isAmount(returned['bytes'])
  )
    return returned as unknown as Prediction<Json>
  throw refuse('usage', step, 'predict', "a prediction such as { output, changes: ['…'] }", returned)
}

/** Whether the mark `rows` returned counts. */
export function isRowsBeforeAndAfter(returned: unknown): returned is RowsBeforeAndAfter {
  const areCounts = (value: unknown): boolean =>
    isListOf(value, (one) => isFields(one) && isText(one['table']) && Number.isSafeInteger(one['rows']))
  return isFields(returned) && areCounts(returned['before']) && areCounts(returned['after'])
}

/** What `probe` returned. @throws RunbookError with this code for anything but the result of a probe */
export function probeResultFrom(step: AnyStep, returned: unknown, code: Code): ProbeResult<Json> {
  const fits =
    isFields(returned) &&
    (returned['is'] === 'absent' ||
      (returned['is'] === 'done' && 'output' in returned) ||
      ((returned['is'] === 'torn' || returned['is'] === 'unknown') && isText(returned['why'])))
  if (fits) return returned as unknown as ProbeResult<Json>
  throw refuse(
    code,
    step,
    'probe',
    `{ is: 'absent' }, { is: 'done', output } or { is: 'torn' or 'unknown', why }`,
    returned,
  )
}

import { addressesIn } from '../model/recording.ts'
import type { PlannedStep } from '../model/plan.ts'
import { flagOf, type AnyParam } from '../model/param.ts'

/** A parameter as shown in help texts and documents. */
export type ParamLine = {
  readonly flag: string
  /** `PATH`; empty for a flag that takes no value. */
  readonly value: string
  readonly help: string
  /** `required`, `optional`, `default: 3`. */
  readonly given: string
  /** What is taken if an optional one is not given; null where it does not say, or is not optional. */
  readonly without: string | null
}

const values: { readonly [K in AnyParam['kind']]: string } = {
  text: 'TEXT',
  path: 'PATH',
  instant: 'TIME',
  choice: '',
  integer: 'N',
  flag: '',
  secret: 'env:VAR|file:PATH',
}

export function paramLines(params: { readonly [name: string]: AnyParam }): readonly ParamLine[] {
  return Object.entries(params).map(([name, one]) => ({
    flag: flagOf(name),
    value: one.kind === 'choice' ? one.choices.join('|') : values[one.kind],
    help: one.help,
    given: givenOf(one),
    without: one.fallback === null ? (one.without ?? null) : null,
  }))
}

/** What a step takes for each parameter in its input that nobody gave: `without --dump: the newest one`. */
export function takenBy({ input }: PlannedStep, params: readonly ParamLine[]): readonly string[] {
  const flags = new Set(
    addressesIn(input).flatMap((address) => ('$param' in address ? [flagOf(address.$param)] : [])),
  )
  return params.flatMap(({ flag, without }) =>
    without !== null && flags.has(flag) ? [`Without ${flag}: ${without}.`] : [],
  )
}

function givenOf({ kind, fallback, without }: AnyParam): string {
  const value: unknown = fallback
  if (value === undefined) return 'required'
  if (value === null && without !== undefined) return `default: ${without}`
  if (value === null || (kind === 'flag' && value === false)) return 'optional'
  if (kind === 'secret')
    return `default: env:${(value as { readonly from: { readonly env: string } }).from.env}`
  return `default: ${kind === 'flag' ? 'yes' : String(value)}`
}

import { flagOf, type AnyParam } from '../model/param.ts'

/** A parameter as shown in help texts and documents. */
export type ParamLine = {
  readonly flag: string
  /** `PATH`; empty for a flag that takes no value. */
  readonly value: string
  readonly help: string
  /** `required`, `optional`, `default: 3`. */
  readonly given: string
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
  }))
}

function givenOf({ kind, fallback }: AnyParam): string {
  const value: unknown = fallback
  if (value === undefined) return 'required'
  if (value === null || (kind === 'flag' && value === false)) return 'optional'
  if (kind === 'secret')
    return `default: env:${(value as { readonly from: { readonly env: string } }).from.env}`
  return `default: ${kind === 'flag' ? 'yes' : String(value)}`
}

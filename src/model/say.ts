import { isPending, type Pending } from './pending.ts'

type Sayable = string | number | boolean | null | readonly (string | number)[] | Pending

/** A sentence for the plan: lists become `a, b and c`, unknown values `‹after "Stop writers"›`. */
export function say(texts: TemplateStringsArray, ...values: readonly Sayable[]): string {
  return texts.map((text, index) => (index === 0 ? text : sayOne(values[index - 1] ?? null) + text)).join('')
}

function sayOne(value: Sayable): string {
  if (value === null) return 'none'
  if (isPending(value)) return `‹${value.$until}›`
  if (Array.isArray(value)) return sayList(value as readonly (string | number)[])
  return String(value)
}

function sayList(items: readonly (string | number)[]): string {
  if (items.length === 0) return 'nothing'
  if (items.length === 1) return String(items[0])
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

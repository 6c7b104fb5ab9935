import type { Json, JsonObject } from '../kernel/json.ts'
import { isAddress, nameOf, type Address } from './ref.ts'

/** Placeholder for a value that is not known yet; `$until` says what it waits for. */
export type Pending = { readonly $until: string }

/** An input whose properties may be unknown yet. A property with one unknown part is entirely `Pending`. */
export type Preview<I> = { readonly [K in keyof I]: I[K] | Pending }

export const pending = (until: string): Pending => ({ $until: until })

export function isPending(value: unknown): value is Pending {
  return typeof value === 'object' && value !== null && '$until' in value
}

/** Looks an address up. `undefined`: not known yet. */
export type Lookup = (address: Address) => Json | undefined

/** The value with every address replaced, or the first address that is not known yet as `missing`. */
export function resolve(
  wired: Json,
  lookup: Lookup,
): { readonly value: Json } | { readonly missing: Address } {
  if (isAddress(wired)) {
    const value = lookup(wired)
    return value === undefined ? { missing: wired } : { value }
  }
  if (Array.isArray(wired)) {
    const items: Json[] = []
    for (const item of wired as readonly Json[]) {
      const one = resolve(item, lookup)
      if ('missing' in one) return one
      items.push(one.value)
    }
    return { value: items }
  }
  if (typeof wired === 'object' && wired !== null) {
    const parts: [string, Json][] = []
    for (const [key, part] of Object.entries(wired)) {
      const one = resolve(part, lookup)
      if ('missing' in one) return one
      parts.push([key, one.value])
    }
    return { value: Object.fromEntries(parts) }
  }
  return { value: wired }
}

/** Like `resolve`, but each unknown top-level property becomes `Pending`, with `until` giving its text. */
export function preview(
  wired: JsonObject,
  lookup: Lookup,
  until: (address: Address) => string = nameOf,
): Preview<JsonObject> {
  const parts = Object.entries(wired).map(([key, part]): [string, Json | Pending] => {
    const one = resolve(part, lookup)
    return [key, 'missing' in one ? pending(until(one.missing)) : one.value]
  })
  return Object.fromEntries(parts)
}

/** The value at a path; `undefined` if the path does not exist. */
export function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let here: Json | undefined = value
  for (const key of path) {
    // Own properties only: `constructor` is not a value of a step.
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = (here as JsonObject)[key]
  }
  return here
}

/** True if no property of the preview is `Pending`. */
export function isKnown<I extends JsonObject>(input: Preview<I>): input is I & Preview<I> {
  return !Object.values(input).some(isPending)
}

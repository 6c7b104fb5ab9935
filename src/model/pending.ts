import type { Json, JsonObject } from '../kernel/json.ts'
import { isAddress, nameOf, type Address } from './ref.ts'

/** Stands for a value that is not known yet, and says what it waits for. */
export type Pending = { readonly $until: string }

/** An input of which some properties may not be known yet. A property with one unknown part is unknown as a whole. */
export type Preview<I> = { readonly [K in keyof I]: I[K] | Pending }

export const pending = (until: string): Pending => ({ $until: until })

export function isPending(value: unknown): value is Pending {
  return typeof value === 'object' && value !== null && '$until' in value
}

/** Looks an address up. `undefined`: not known yet. */
export type Lookup = (address: Address) => Json | undefined

/** The value with every address replaced; the first address that is not known yet comes back as `missing`. */
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

/** As `resolve`, but each top property that is not known becomes `Pending`, told by the title that `until` gives for an address. */
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

/** Follows a path into a value; `undefined` where it leads nowhere. */
export function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let here: Json | undefined = value
  for (const key of path) {
    // Own properties only: `constructor` is no value of a step.
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = (here as JsonObject)[key]
  }
  return here
}

/** True when nothing in the preview is unknown. */
export function isKnown<I extends JsonObject>(input: Preview<I>): input is I & Preview<I> {
  return !Object.values(input).some(isPending)
}

import { hash } from 'node:crypto'

/** The only values that may leave the process: plans, journal entries and evidence consist of them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/**
 * The canonical text of a value: keys sorted by code unit, no white space, so equal values have equal
 * digests.
 * @throws TypeError naming the path of anything JSON would silently drop or alter (undefined, NaN, functions,
 *   class instances)
 */
export function canonical(value: Json): string {
  const text = write(value)
  if (text === null) throw new TypeError(faultIn(value, '$') ?? 'not JSON')
  return text
}

/** Canonical texts of constants; null until one is asked for. */
const constants = new WeakMap<object, string | null>()

/**
 * The same value with all its parts frozen, and its canonical text kept once it is written: a plan is part of entries, records
 * and digests.
 */
export function constant<T extends JsonObject>(value: T): T {
  constants.set(value, null)
  return frozen(value)
}

/** A copy of a value, frozen, with its canonical text kept. */
export function constantCopy<T extends JsonObject>(value: T): T {
  const text = canonical(value)
  const copy = frozen(JSON.parse(text) as T)
  constants.set(copy, text)
  return copy
}

/** Freezes a value with all its parts. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}

/** Levels of lists and objects; what refers to itself has endless ones. */
const deepest = 1000

/**
 * Null if the value is not JSON. A hot path (every journal entry): the faulty path is searched only after a
 * failure.
 */
function write(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') return quoted(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : null
  if (typeof value !== 'object' || depth === deepest) return null
  const kept = constants.get(value)
  if (kept === undefined) return writeParts(value, depth)
  const text = kept ?? writeParts(value, depth)
  constants.set(value, text)
  return text
}

function writeParts(value: object, depth: number): string | null {
  let text = ''
  if (Array.isArray(value)) {
    // By index: iterating a sparse array skips its holes.
    for (let index = 0; index < value.length; index += 1) {
      const part = write(value[index], depth + 1)
      if (part === null) return null
      text += index === 0 ? part : `,${part}`
    }
    return `[${text}]`
  }
  if (!isPlain(value)) return null
  for (const key of Object.keys(value).sort()) {
    const part = write((value as Record<string, unknown>)[key], depth + 1)
    if (part === null) return null
    text += `${text === '' ? '' : ','}${quoted(key)}:${part}`
  }
  return `{${text}}`
}

/** Printable ASCII but quote and backslash, which JSON writes as it is. */
const plainText = /^[ !#-[\]-~]*$/

/** The pattern is faster than JSON.stringify for the short texts of entries. */
const quoted = (text: string): string => (plainText.test(text) ? `"${text}"` : JSON.stringify(text))

/** The first part that is not JSON, with its path; null if there is none. */
function faultIn(value: unknown, path: string, outer: readonly unknown[] = []): string | null {
  if (outer.includes(value)) return `${path} contains itself, which JSON cannot hold`
  if (outer.length === deepest) return `$ has more than ${deepest} levels`
  const inner = [...outer, value]
  if (Array.isArray(value))
    return firstOf(
      Array.from(value, (item, index) => [item, `${path}[${index}]`] as const),
      inner,
    )
  if (typeof value === 'object' && value !== null && isPlain(value)) {
    const parts = value as Record<string, unknown>
    return firstOf(
      Object.keys(parts)
        .sort()
        .map((key) => [parts[key], `${path}.${key}`] as const),
      inner,
    )
  }
  return write(value) === null ? `${path} is ${describe(value)}, which JSON cannot hold` : null
}

function firstOf(
  parts: readonly (readonly [value: unknown, path: string])[],
  outer: readonly unknown[],
): string | null {
  for (const [value, path] of parts) {
    const fault = faultIn(value, path, outer)
    if (fault !== null) return fault
  }
  return null
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    const made: unknown = value.constructor
    return `an instance of ${typeof made === 'function' ? made.name : 'another prototype'}`
  }
  if (typeof value === 'number') return String(value)
  return value === undefined ? 'undefined' : `a ${typeof value}`
}

export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex')

/** SHA-256, in hexadecimal, of the canonical text. */
export const digestOf = (value: Json): string => sha256(canonical(value))

export const sameJson = (one: Json, other: Json): boolean => canonical(one) === canonical(other)

/** @throws TypeError naming the first part that is not JSON, and its path */
export function requireJson<T>(value: T, what: string): T {
  if (write(value) !== null) return value
  throw new TypeError(`${what} is not JSON: ${faultIn(value, '$')}`)
}

/** An object that may be JSON: neither null nor a list. */
export const isFields = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** True if the value survives a round trip through JSON unchanged. */
export const isJson = (value: unknown): value is Json => write(value) !== null

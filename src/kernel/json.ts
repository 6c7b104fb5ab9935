import { createHash } from 'node:crypto'

/** The only values that may cross a process, a crash or a year: what a plan, a journal and evidence are made of. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/**
 * One text for one value: keys sorted by code unit, no white space, so that equal values have equal digests on every machine.
 * @throws TypeError naming the path of anything that JSON would silently drop or bend (undefined, NaN, functions, class instances).
 */
export function canonical(value: Json): string {
  return write(value, '$')
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which JSON cannot hold`)
    return JSON.stringify(value)
  }
  // Array.from, since map would pass over the holes of a sparse list.
  if (Array.isArray(value)) return `[${Array.from(value, (item, index) => write(item, `${path}[${index}]`)).join(',')}]`
  if (typeof value === 'object' && isPlain(value)) {
    const parts = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${write((value as Record<string, unknown>)[key], `${path}.${key}`)}`)
    return `{${parts.join(',')}}`
  }
  throw new TypeError(`${path} is ${describe(value)}, which JSON cannot hold`)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor.name}`
  return value === undefined ? 'undefined' : `a ${typeof value}`
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** SHA-256, in hexadecimal, of the canonical text. */
export const digestOf = (value: Json): string => sha256(canonical(value))

export const sameJson = (one: Json, other: Json): boolean => canonical(one) === canonical(other)

/** @throws TypeError that says what is no JSON about it, and where */
export function requireJson<T>(value: T, what: string): T {
  try {
    write(value, '$')
    return value
  } catch (thrown) {
    throw new TypeError(`${what} is no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown })
  }
}

/** True where the value survives a round trip through JSON unchanged. */
export function isJson(value: unknown): value is Json {
  try {
    write(value, '$')
    return true
  } catch {
    return false
  }
}

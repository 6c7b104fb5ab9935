import type { Json, JsonObject } from '../kernel/json.ts'
import { flagOf } from './param.ts'

declare const promised: unique symbol

/** Reference to a parameter or to a value that a step will produce. */
export interface Ref<out T> {
  readonly [promised]: T
}

/** A ref whose properties are refs too: `archive.major` is a ref to the major version. */
export type Output<T> = Ref<T> & (T extends JsonObject ? { readonly [K in keyof T]: Output<T[K]> } : unknown)

/** Input that a runbook may pass to a step: values, refs, or objects and lists that contain refs. */
export type Wired<T> =
  | T
  | Ref<T>
  | (T extends readonly (infer Item)[]
      ? readonly Wired<Item>[]
      : T extends JsonObject
        ? { readonly [K in keyof T]: Wired<T[K]> }
        : never)

/** Source of a value, as written in the plan's JSON. */
export type Address =
  | {
      readonly $ref: string
      readonly path: readonly string[]
      /** Null if the step did not run. */ readonly maybe?: true
    }
  | { readonly $param: string; readonly path: readonly string[] }

const addresses = new WeakMap<object, Address>()

/** A ref that throws a TypeError when it is used as if it were the value. */
export function refTo<T>(address: Address): Output<T> {
  const inner = new Map<string, unknown>()
  const proxy: object = new Proxy(Object.create(null) as object, {
    get(_, key) {
      if (key === Symbol.iterator || key === Symbol.asyncIterator) throw misuse(address, 'looped over')
      if (typeof key === 'symbol') throw misuse(address, 'turned into text or a number')
      if (key === 'toJSON' || key === 'valueOf' || key === 'toString')
        throw misuse(address, 'turned into text')
      if (key === 'then') throw misuse(address, 'awaited')
      const known = inner.get(key)
      if (known !== undefined) return known
      const child = refTo({ ...address, path: [...address.path, key] })
      inner.set(key, child)
      return child
    },
    has: () => {
      throw misuse(address, 'searched with `in`')
    },
    ownKeys: () => {
      throw misuse(address, 'listed or spread')
    },
    set: () => {
      throw misuse(address, 'written to')
    },
    defineProperty: () => {
      throw misuse(address, 'written to')
    },
    deleteProperty: () => {
      throw misuse(address, 'written to')
    },
  })
  addresses.set(proxy, address)
  return proxy as Output<T>
}

/**
 * The value if its step has run, else null. Required in `lastly` steps, which run whatever the outcome.
 * @throws TypeError if `ref` is not the output of a step
 */
export function maybe<T>(ref: Ref<T>): Ref<T | null> {
  const address = addressOf(ref)
  if (address === undefined || !('$ref' in address))
    throw new TypeError('maybe(…) is for the output of a step')
  return refTo<T | null>({ ...address, maybe: true })
}

export function addressOf(value: unknown): Address | undefined {
  return typeof value === 'object' && value !== null ? addresses.get(value) : undefined
}

export function isAddress(value: Json): value is Address & JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    ('$ref' in value || '$param' in value)
  )
}

/** An address as shown to people: `archive.major`, `--dump`. */
export function nameOf(address: Address): string {
  const from = '$ref' in address ? address.$ref : flagOf(address.$param)
  return [from, ...address.path].join('.')
}

function misuse(address: Address, how: string): TypeError {
  return new TypeError(
    `${nameOf(address)} is a ref, not a value, and was ${how} while the runbook was recorded; ` +
      'pass it to a step as it is, or branch with when(ref, …)',
  )
}

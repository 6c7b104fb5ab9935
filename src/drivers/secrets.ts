import type { Json, JsonObject } from '../kernel/json.ts'
import type { Secret } from '../kernel/secret.ts'

/** Name and source of a secret, without its value, for plans and configuration. */
export type SecretHandle = {
  readonly secret: string
  readonly from: { readonly env: string } | { readonly file: string }
}

export interface SecretsView {
  /** Whether it can be read. Does not return or keep the value. */
  available(handle: SecretHandle): Promise<boolean>
}

export interface Secrets extends SecretsView {
  /** From now on its value is masked in all output. @throws RunbookError `preflight` if not available */
  reveal(handle: SecretHandle): Promise<Secret>
}

/** All secret handles in a value, such as a plan or an input. */
export function handlesIn(value: Json): readonly SecretHandle[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(handlesIn)
  if (typeof value !== 'object' || value === null) return []
  const { secret, from, ...rest } = value as JsonObject
  if (typeof secret === 'string' && isSource(from)) return [{ secret, from } as SecretHandle]
  return [secret, from, ...Object.values(rest)].flatMap((part) => (part === undefined ? [] : handlesIn(part)))
}

const isSource = (from: Json | undefined): boolean =>
  typeof from === 'object' &&
  from !== null &&
  !Array.isArray(from) &&
  (typeof (from as JsonObject)['env'] === 'string' || typeof (from as JsonObject)['file'] === 'string')

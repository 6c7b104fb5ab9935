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
  const found: SecretHandle[] = []
  collectHandles(value, found)
  return found
}

/** Copies nothing: every start of a run searches its whole plan. */
function collectHandles(value: Json | undefined, found: SecretHandle[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) collectHandles(item, found)
    return
  }
  const { secret, from } = value as JsonObject
  if (typeof secret === 'string' && isSource(from)) {
    found.push({ secret, from } as SecretHandle)
    return
  }
  collectHandles(secret, found)
  collectHandles(from, found)
  for (const key of Object.keys(value))
    if (key !== 'secret' && key !== 'from') collectHandles((value as JsonObject)[key], found)
}

const isSource = (from: Json | undefined): boolean =>
  typeof from === 'object' &&
  from !== null &&
  !Array.isArray(from) &&
  (typeof (from as JsonObject)['env'] === 'string' || typeof (from as JsonObject)['file'] === 'string')

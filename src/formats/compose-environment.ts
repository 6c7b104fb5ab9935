import { isInherited } from '../drivers/inherited-variables.ts'
import type { Lookup } from './env-expansion.ts'
import { variablesOf, type EnvVariables } from './env-file.ts'

/**
 * What Compose knows when it reads the env file of a service: the stack's variables, then the env files of the
 * stack, of which later ones win. The variables that Compose inherits from this machine are unknown here.
 * @throws RunbookError `verification` for an env file that Compose refuses
 */
export function composeLookup(stack: EnvVariables, envFiles: readonly Uint8Array[]): Lookup {
  let read: EnvVariables = {}
  const lookup: Lookup = (name) => {
    if (Object.hasOwn(stack, name)) return stack[name] ?? undefined
    if (isInherited(name)) return undefined
    return Object.hasOwn(read, name) ? (read[name] ?? undefined) : null
  }
  for (const body of envFiles) read = { ...read, ...variablesOf(body, lookup) }
  return lookup
}

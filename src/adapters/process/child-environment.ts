import { isInherited } from '../../drivers/inherited-variables.ts'

/** The allowed part of an environment, overridden by the variables that the caller adds by name. */
export function childEnvironment(
  own: { readonly [name: string]: string | undefined },
  added: { readonly [name: string]: string },
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue
    if (isInherited(name)) environment[name] = value
  }
  return { ...environment, ...added }
}

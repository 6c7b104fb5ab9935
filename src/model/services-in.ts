import type { ServiceGroup, Stack } from '../drivers/services.ts'
import type { Json, JsonObject } from '../kernel/json.ts'

export function isStack(value: Json): value is Json & Stack {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { kind, project, directory } = value as JsonObject
  return (
    (kind === 'compose' || kind === 'process') && typeof project === 'string' && typeof directory === 'string'
  )
}

/** Of a group of services, or of a place in one of them. */
export function namesIn({ names, service }: JsonObject): readonly string[] | null {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  return typeof service === 'string' ? [service] : null
}

/** The services that a value names together with their stack, a group for each stack. */
export function servicesIn(value: Json): readonly ServiceGroup[] {
  const found = new Map<string, { readonly stack: Stack; readonly names: Set<string> }>()
  const search = (inner: Json): void => {
    if (typeof inner !== 'object' || inner === null) return
    const object = inner as JsonObject
    const { stack } = object
    if (!Array.isArray(inner) && stack !== undefined && isStack(stack)) {
      const key = `${stack.kind} ${stack.project} ${stack.directory}`
      const group = found.get(key) ?? { stack, names: new Set() }
      for (const name of namesIn(object) ?? []) group.names.add(name)
      found.set(key, group)
    }
    for (const next of Object.values(object)) search(next)
  }
  search(value)
  return [...found.values()].map(({ stack, names }) => ({ stack, names: [...names].sort() }))
}

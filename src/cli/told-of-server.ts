import type { Json } from '../kernel/json.ts'
import type { Stored } from '../run/journal/entry.ts'

/**
 * Whether a step that was begun was told, anywhere in its input, where a database server is that is not the run's own. Which one does not
 * matter: in a journal parts of an address may be masked.
 */
export const toldOfServer = (entries: readonly Stored[]): boolean =>
  entries.some(({ entry }) => entry.type === 'intent' && holdsAddress(entry.input))

function holdsAddress(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false
  if ('via' in value && !isThrowaway(value['via'])) return true
  return Object.values(value).some((inner: Json) => holdsAddress(inner))
}

const isThrowaway = (via: Json | undefined): boolean =>
  typeof via === 'object' && via !== null && 'kind' in via && via['kind'] === 'throwaway'

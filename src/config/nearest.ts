import { nearestOf } from '../kernel/misspelt.ts'

/** Puts the known name that is probably meant into a sentence; empty where none is near. */
export function nearest(given: string, known: readonly string[], sentence: (found: string) => string): string {
  const found = nearestOf(given, known)
  return found === undefined ? '' : sentence(found)
}

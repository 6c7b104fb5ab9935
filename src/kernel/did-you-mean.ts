import leven from 'leven'
import { RunbookError } from './errors.ts'

/** The closest known name; undefined if none is close enough to be a typo. */
function nearestOf(given: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, distance: leven(given.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance)
  // Two swapped letters count as two edits, and are the most common typo.
  const near = Math.max(given.length > 3 ? 2 : 1, Math.floor(given.length / 3))
  return best !== undefined && best.distance <= near ? best.name : undefined
}

/** @throws RunbookError `usage` for the first unknown name; the hint suggests the closest known one */
export function refuseUnknown(
  kind: string,
  given: readonly string[],
  known: readonly string[],
  where: string,
): void {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const meant = nearestOf(unknown, known)
  throw new RunbookError('usage', `unknown ${kind} ${JSON.stringify(unknown)} in ${where}`, {
    hint:
      meant === undefined
        ? `known: ${known.length === 0 ? 'none' : [...known].sort().join(', ')}`
        : `did you mean ${meant}?`,
  })
}

/** Builds a sentence around the closest known name; empty if none is close. */
export function nearest(
  given: string,
  known: readonly string[],
  sentence: (found: string) => string,
): string {
  const found = nearestOf(given, known)
  return found === undefined ? '' : sentence(found)
}

import leven from 'leven'
import { RunbookError } from './errors.ts'

/** The known name that was most likely meant, or undefined where none is close enough to be a slip of the fingers. */
function nearestOf(given: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, distance: leven(given.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance)
  // Two letters that changed places are two edits, and the commonest slip.
  const near = Math.max(given.length > 3 ? 2 : 1, Math.floor(given.length / 3))
  return best !== undefined && best.distance <= near ? best.name : undefined
}

/** @throws RunbookError `usage` for the first name that is not known, saying which one was likely meant */
export function refuseUnknown(
  kind: string,
  given: readonly string[],
  known: readonly string[],
  where: string,
): void {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const meant = nearestOf(unknown, known)
  throw new RunbookError('usage', `${where} has no ${kind} ${JSON.stringify(unknown)}`, {
    hint:
      meant === undefined
        ? `it has ${known.length === 0 ? 'none' : [...known].sort().join(', ')}`
        : `did you mean ${meant}?`,
  })
}

/** Puts the known name that is probably meant into a sentence; empty where none is near. */
export function nearest(
  given: string,
  known: readonly string[],
  sentence: (found: string) => string,
): string {
  const found = nearestOf(given, known)
  return found === undefined ? '' : sentence(found)
}

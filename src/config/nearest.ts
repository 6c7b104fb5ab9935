import leven from 'leven'

/** Puts the known name that is probably meant into a sentence; empty where none is near. */
export function nearest(given: string, known: readonly string[], sentence: (found: string) => string): string {
  const [best] = known
    .map((name) => ({ name, distance: leven(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)) && distance < name.length)
    .sort((one, other) => one.distance - other.distance)
  return best === undefined ? '' : sentence(best.name)
}

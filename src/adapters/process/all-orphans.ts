import type { Orphan, Orphans } from '../../drivers/orphans.ts'

/**
 * Combines several places where a run may have left orphans. Order matters: a process ended in one place may
 * keep something in the next one alive. A failure in one place does not stop the cleanup of the others.
 */
export function allOrphans(places: readonly Orphans[]): Orphans {
  return {
    find: async (run) => (await Promise.all(places.map((place) => place.find(run)))).flat(),
    async end(run) {
      const ended: Orphan[] = []
      const failures: unknown[] = []
      for (const place of places) {
        try {
          ended.push(...(await place.end(run)))
        } catch (thrown) {
          failures.push(thrown)
        }
      }
      if (failures.length > 0) throw failures[0]
      return ended
    },
  }
}

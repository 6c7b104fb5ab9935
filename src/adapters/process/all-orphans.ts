import type { Orphan, Orphans } from '../../drivers/orphans.ts'

/**
 * Several places where a run may have left something, as one. In the order given: what is ended in one place may be what keeps something
 * in the next one going. A place that fails does not keep the others from being cleared.
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

import type { Orphan, Orphans } from '../drivers/orphans.ts'
import { RunbookError } from '../kernel/errors.ts'

/** What dead runs have left behind on a pretended machine. */
export type Leftovers = {
  /** By run. What is ended is taken out. */
  readonly living: Map<string, readonly Orphan[]>
  /** Ids of those that survive being ended. */
  readonly undying: Set<string>
}

export function noLeftovers(): Leftovers {
  return { living: new Map(), undying: new Set() }
}

export function fakeOrphans(leftovers: Leftovers): Orphans {
  const find = (run: string): readonly Orphan[] => leftovers.living.get(run) ?? []
  return {
    find: async (run) => find(run),
    async end(run) {
      const found = find(run)
      const left = found.filter(({ id }) => leftovers.undying.has(id))
      leftovers.living.set(run, left)
      if (left.length === 0) return found
      throw new RunbookError(
        'in-doubt',
        `what run ${run} started is not dead: ${left.map(({ what, id }) => `${what} ${id}`).join(', ')}`,
        {
          hint: 'end it by hand, then resume',
        },
      )
    },
  }
}

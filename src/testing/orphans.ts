import type { Orphan, Orphans } from '../drivers/orphans.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { OrphanScope } from '../run/engine/orphan-scope.ts'

/** Leftovers of dead runs on the fake machine. */
export type Leftovers = {
  /** By run. Those that are ended are removed. */
  readonly living: Map<string, readonly Orphan[]>
  /** IDs of those that survive being ended. */
  readonly undying: Set<string>
}

export function noLeftovers(): Leftovers {
  return { living: new Map(), undying: new Set() }
}

/** @param scopeOf where to search for a run's leftovers; omitted, everywhere */
export function fakeOrphans(leftovers: Leftovers, scopeOf?: (run: string) => OrphanScope): Orphans {
  const find = (run: string): readonly Orphan[] =>
    (leftovers.living.get(run) ?? []).filter((orphan) => isIn(scopeOf?.(run), orphan))
  return {
    find: async (run) => find(run),
    async end(run) {
      const found = find(run)
      const left = found.filter(({ id }) => leftovers.undying.has(id))
      const ended = found.filter((orphan) => !left.includes(orphan))
      const living = leftovers.living.get(run) ?? []
      leftovers.living.set(
        run,
        living.filter((orphan) => !ended.includes(orphan)),
      )
      if (left.length === 0) return found
      throw new RunbookError(
        'in-doubt',
        `leftovers of run ${run} are still running: ${left.map(({ what, id }) => `${what} ${id}`).join(', ')}`,
        {
          hint: 'end it by hand, then resume',
        },
      )
    },
  }
}

function isIn(scope: OrphanScope | undefined, { what }: Orphan): boolean {
  if (scope === undefined || what === 'process') return true
  return what === 'session' ? scope.databases.length > 0 : scope.docker
}

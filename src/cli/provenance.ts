import type { Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import type { Stored } from '../run/journal/entry.ts'
import type { Sources } from '../run/record/provenance.ts'
import type { Runtime } from '../run/start.ts'

/** It is read for reports only, so nobody waits longer for a daemon or a slow disk. Milliseconds. */
const patience = 5_000

/** Looks at what runs are made from, with drivers of its own. */
export function provenanceBy(
  drivers: (scope: Scope) => Drivers,
  stopped: AbortSignal,
  sourcesOf: (runbook: string) => Promise<Sources>,
): Required<Pick<Runtime, 'provenanceOf' | 'imagesOf'>> {
  const seenBy = (run: string): Drivers =>
    drivers({
      run,
      step: 'provenance',
      signal: AbortSignal.any([AbortSignal.timeout(patience), stopped]),
      output: () => {},
      progress: () => {},
      spawned: () => {},
    })
  return {
    async provenanceOf(run, plan) {
      const { provenanceOf } = await import('../run/record/provenance.ts')
      return provenanceOf(seenBy(run), await sourcesOf(plan.runbook), plan)
    },
    async imagesOf(run: string, entries: readonly Stored[], plan) {
      const { imagesOf } = await import('../run/record/provenance.ts')
      return imagesOf(seenBy(run), entries, plan)
    },
  }
}

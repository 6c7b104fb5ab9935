import { partKey, partName, type LockHolder, type LockPart, type LocksView } from '../../drivers/locks.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Plan } from '../../model/plan.ts'
import type { Target } from '../../model/target.ts'
import { partsIn } from '../engine/lock-parts.ts'

/** One thing that runs on a target lock, and whether somebody holds it. */
export type LockStanding = JsonObject & {
  readonly what: string
  readonly is: 'free' | 'held' | 'not known'
  /** The run that holds it, in whatever state folder; null if it cannot be read. */
  readonly holder: LockHolder | null
  /** Why it is not known. */
  readonly why: string | null
}

/** Asks each place for the locks of what a target names, which are those that its runs take. Takes none. */
export async function lockStandings(target: Target, locks: LocksView): Promise<readonly LockStanding[]> {
  const parts = new Map<string, LockPart>()
  const named = target as unknown as JsonObject
  // A plan is asked for its target only.
  for (const part of partsIn(named, { target: named } as unknown as Plan)) parts.set(partKey(part), part)
  return Promise.all([...parts.values()].map((part) => standingOf(part, locks)))
}

async function standingOf(part: LockPart, locks: LocksView): Promise<LockStanding> {
  const what = partName(part)
  try {
    const seen = await locks.look(part)
    if (seen.is === 'held') return { what, is: 'held', holder: seen.by, why: null }
    if (seen.is === 'free') return { what, is: 'free', holder: null, why: null }
    return { what, is: 'not known', holder: null, why: seen.why }
  } catch (thrown) {
    return { what, is: 'not known', holder: null, why: failureOf(thrown).message }
  }
}

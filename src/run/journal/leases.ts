import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { digestOf } from '../../kernel/json.ts'
import type { Holder, Opened } from './entry.ts'
import type { Journal, JournalView, Lease, RunSummary } from './journal.ts'

/**
 * The name of the lease under which all entries of a run are written: that of its system, or of its target alone where
 * the run excludes others only from what it changes.
 */
export const leaseOf = ({ plan, excludes }: Pick<Opened, 'plan' | 'excludes'>): string =>
  excludes === undefined ? plan.system : leaseOfTarget(plan.system, String(plan.target['name']))

const leaseOfTarget = (system: string, target: string): string =>
  digestOf(['target', system, target]).slice(0, 16)

/** The process that works on a run, and the lease that it holds. */
export type Working = { readonly lease: string; readonly holder: Holder }

/** Null if no process works on the run. Works for a damaged run too. */
export async function holderOf(
  journal: Pick<JournalView, 'holder'>,
  { run, system, target }: Pick<RunSummary, 'run' | 'system' | 'target'>,
): Promise<Working | null> {
  for (const lease of [leaseOfTarget(system, target), system]) {
    const holder = await journal.holder(lease)
    if (holder?.run === run) return { lease, holder }
  }
  return null
}

/** How long a start may take to write its first entry, on a disk that is busy. */
const patienceMilliseconds = 5_000

const pauseMilliseconds = 50

/**
 * Takes a lease, and waits while another start has it only to write its first entry.
 * @throws RunbookError `held` as `Journal.hold`
 */
export async function holdLease(
  journal: Journal,
  clock: Clock,
  lease: string,
  holder: Holder,
): Promise<Lease> {
  const until = clock.monotonic() + patienceMilliseconds
  for (;;) {
    try {
      return await journal.hold(lease, holder)
    } catch (thrown) {
      if (!(thrown instanceof RunbookError) || thrown.code !== 'held' || clock.monotonic() >= until)
        throw thrown
      const by = await journal.holder(lease)
      // Nobody: it was released since.
      if (by !== null && by.opening !== true) throw thrown
    }
    await clock.sleep(pauseMilliseconds)
  }
}

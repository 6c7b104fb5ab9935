import { RunbookError } from '../../kernel/errors.ts'
import type { Entry, Holder, Outcome, Stored } from './entry.ts'

export interface JournalView {
  /** Newest first. Told from the entries; there is no other record of a run. */
  runs(): Promise<readonly RunSummary[]>
  /**
   * All entries of a run, with chain and head verified.
   * @throws RunbookError `journal` for damage, `usage` for a run that is not there
   */
  read(run: string): Promise<readonly Stored[]>
  /** Who holds a system now; null for nobody alive. */
  holder(system: string): Promise<Holder | null>
}

/** Append-only and durable. The state of a run is a fold over its entries and is stored nowhere else. */
export interface Journal extends JournalView {
  /**
   * Takes the system for one run and begins a new epoch; the kernel frees it when this process dies.
   * @throws RunbookError `held`, naming the holder, within a second
   */
  hold(system: string, holder: Holder): Promise<Lease>
  /**
   * Takes the system over though its holder may be alive: one that hangs, or is stopped. The old hold can append nothing from now on, so it
   * begins no further step when it wakes up; what it had begun may still be at work, and must be proven dead before anything else.
   * @throws RunbookError `held` where somebody else takes over at the same moment
   */
  takeOver(system: string, holder: Holder): Promise<Lease>
  /**
   * Returns when the entry would survive a power cut. On a full disk what begins something new is refused, and what has happened is still
   * written, from space set aside. `released` is taken for a damaged run too.
   * @throws RunbookError `held` when the hold's epoch is no longer the newest: somebody else has taken over; `preflight` for a beginning on
   *   a full disk: nothing has begun; `in-doubt` where not even the space set aside was enough; `journal` for damage, and from then on
   *   after a failure of the disk
   */
  append(hold: Lease, run: string, entry: Entry): Promise<Stored>
  close(): Promise<void>
}

export interface Lease {
  readonly system: string
  readonly epoch: number
  release(): Promise<void>
}

export type RunSummary = {
  readonly run: string
  readonly system: string
  readonly runbook: string
  readonly target: string
  readonly mode: 'run' | 'dry-run'
  readonly startedAt: string
  /** Of the last `settled` entry; null while the run is open. `released` closes a run for good. */
  readonly outcome: Outcome | null
  readonly released: boolean
  readonly story: string | null
}

/** Whether a run still needs somebody: never settled, or settled as needing a person and not released. */
export const isOpen = (line: RunSummary): boolean =>
  line.mode === 'run' && !line.released && (line.outcome === null || line.outcome === 'needs-human')

/** That somebody else has a system; `null` for one who has just taken it and not said so yet. */
export function heldBy(holder: Holder | null): RunbookError {
  const who =
    holder === null
      ? 'a run that is just beginning'
      : `run ${holder.run} (${holder.by} on ${holder.host}, pid ${holder.pid}, since ${holder.since})`
  return new RunbookError('held', `the target is held by ${who}`, {
    hint: 'wait for it: `runbook status` shows how it stands; if it hangs, take the target from it with `runbook unlock`',
  })
}

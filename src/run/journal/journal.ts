import { RunbookError } from '../../kernel/errors.ts'
import type { Entry, Holder, Outcome, Stored } from './entry.ts'

export interface JournalView {
  /**
   * Newest first, by order of writing. Computed from the entries, the only record of a run.
   * @throws RunbookError `journal` if all entries of a run are lost, wanted or not
   */
  runs(wanted?: RunFilter): Promise<readonly RunSummary[]>
  /** How many match, whatever `newest` is. Throws as `runs`. */
  count(wanted?: RunFilter): Promise<number>
  /**
   * All entries of a run, with chain and head verified.
   * @throws RunbookError `journal` for a damaged journal, `usage` for an unknown run
   */
  read(run: string): Promise<readonly Stored[]>
  /** Current holder of a system; null if no live process holds it. */
  holder(system: string): Promise<Holder | null>
}

/**
 * When an entry survives a power failure. `at-once`: when `append` returns. `soon`: with the next entry that is
 * durable at once, or after `soonMilliseconds`; until then it survives the death of its process only. For what
 * is found out again where its entry is lost.
 */
export type Durability = 'at-once' | 'soon'

export const soonMilliseconds = 10

/** Append-only and durable. The state of a run is a fold over its entries, stored nowhere else. */
export interface Journal extends JournalView {
  /**
   * Locks the system for one run and starts a new epoch; the kernel releases the lock when this process dies.
   * @throws RunbookError `held`, naming the holder, within a second
   */
  hold(system: string, holder: Holder): Promise<Lease>
  /**
   * Takes over the system from a holder that may be alive but hung or stopped. The old hold can append
   * nothing more, so it starts no further step; what it had started may still act and must be proven dead.
   * @throws RunbookError `held` if another process takes over at the same time
   */
  takeOver(system: string, holder: Holder): Promise<Lease>
  /**
   * Returns once the entry would survive a power failure, unless `durability` says otherwise. On a full disk,
   * entries that start something are refused; outcomes are still written, into reserved space. Accepts `released`
   * for a damaged run too.
   * @throws RunbookError `held` if a newer epoch exists (another process has taken over); `preflight` for a
   *   start on a full disk; `in-doubt` if the reserved space is exhausted; `journal` for damage, and always
   *   after a disk failure
   */
  append(hold: Lease, run: string, entry: Entry, durability?: Durability): Promise<Stored>
  close(): Promise<void>
}

export interface Lease {
  readonly system: string
  readonly epoch: number
  release(): Promise<void>
}

/** Which runs are listed: those that match all that is given. */
export type RunFilter = {
  /** The ID of a run; where no run has it, those that begin or end with it. */
  readonly id?: string | undefined
  readonly system?: string | undefined
  readonly runbook?: string | undefined
  /** Of one of these runbooks. */
  readonly runbooks?: readonly string[] | undefined
  readonly target?: string | undefined
  readonly mode?: RunSummary['mode'] | undefined
  /** Settled last as one of these. */
  readonly outcomes?: readonly Outcome[] | undefined
  /** Open, or not sealed. */
  readonly pending?: boolean | undefined
  /** Began then or later, in ISO 8601 as entries have it. */
  readonly since?: string | undefined
  /** So many of those that match, at most. */
  readonly newest?: number | undefined
}

export type RunSummary = {
  readonly run: string
  readonly system: string
  readonly runbook: string
  readonly target: string
  readonly mode: 'run' | 'dry-run'
  readonly startedAt: string
  /** Of the last `settled` entry; null before. `released` closes a run for good. */
  readonly outcome: Outcome | null
  readonly released: boolean
  /** Its last entry is a seal. */
  readonly sealed: boolean
  readonly story: string | null
}

/** Of a real run that was settled and not refused. */
export const actedOutcomes: readonly Outcome[] = ['succeeded', 'rolled-back', 'needs-human']

/** Whether a run still needs a person: not settled, or settled as `needs-human` and not released. */
export const isOpen = (line: Pick<RunSummary, 'mode' | 'released' | 'outcome'>): boolean =>
  line.mode === 'run' && !line.released && (line.outcome === null || line.outcome === 'needs-human')

/** Whether a run has ended, but its evidence is not sealed: it is open until it is. */
export const isUnsealed = (line: RunSummary): boolean =>
  line.mode === 'run' && !line.sealed && (line.released || line.outcome !== null)

/** The error for a run that may not write any more, because a person closed it or another process has it. */
export function takenOver(holder: Holder | null, last: Stored | undefined): RunbookError {
  if (last?.entry.type === 'released')
    return new RunbookError('held', `this run was closed with \`runbook unlock\` by ${last.entry.by}`, {
      hint: 'check the target, then start a new run',
    })
  const by = holder === null ? '' : `: ${heldBy(holder).message}`
  return new RunbookError('held', `this run was taken over by another process${by}`, {
    hint: 'check: runbook status',
  })
}

/** The error for a held system; `null`: its holder has not recorded itself yet. */
export function heldBy(holder: Holder | null): RunbookError {
  const who =
    holder === null
      ? 'a run that is starting'
      : `run ${holder.run} (${holder.by} on ${holder.host}, pid ${holder.pid}, since ${holder.since})`
  return new RunbookError('held', `the target is held by ${who}`, {
    hint:
      holder === null
        ? 'wait for it, and try again'
        : `wait for it (check: \`runbook status\`); if it hangs, \`kill -9 ${holder.pid}\` on ${holder.host} and settle that run, or take its lock with \`runbook unlock ${holder.run} --reason TEXT --force\``,
  })
}

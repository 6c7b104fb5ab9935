import type { Entry, Holder, Outcome, Stored } from './entry.ts'

export interface JournalView {
  /** Newest first. Told from the entries; there is no other record of a run. */
  runs(): Promise<readonly RunLine[]>
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
  hold(system: string, holder: Holder): Promise<Hold>
  /**
   * Returns when the entry would survive a power cut.
   * @throws RunbookError `held` when the hold's epoch is no longer the newest: somebody else has taken over
   */
  append(hold: Hold, run: string, entry: Entry): Promise<Stored>
  close(): Promise<void>
}

export interface Hold {
  readonly system: string
  readonly epoch: number
  release(): Promise<void>
}

export type RunLine = {
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
export const isOpen = (line: RunLine): boolean =>
  line.mode === 'run' && !line.released && (line.outcome === null || line.outcome === 'needs-human')

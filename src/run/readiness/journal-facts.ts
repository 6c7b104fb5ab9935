import { failureOf, type Failure } from '../../kernel/errors.ts'
import type { Holder, Stored } from '../journal/entry.ts'
import type { JournalView, RunFilter, RunSummary } from '../journal/journal.ts'

/** What the journal says, read once for all targets. */
export interface JournalFacts {
  /** Why it cannot be read; null where it can. */
  readonly problem: Failure | null
  /** Of all runs. */
  readonly total: number
  /** Newest first; none where the journal cannot be read. */
  runs(wanted: RunFilter): Promise<readonly RunSummary[]>
  /** Runs whose chain of entries is damaged, with the reason. Only the newest runs were checked. */
  readonly damaged: ReadonlyMap<string, string>
  readonly checked: number
  /** Entries of an intact run, read once. */
  read(run: string): Promise<readonly Stored[]>
  holder(system: string): Promise<Holder | null>
}

/** More would cost more than a check on a timer may. */
const mostChecked = 50

/** @param open opens the journal for reading */
export async function journalFacts(open: () => Promise<JournalView>): Promise<JournalFacts> {
  const entries = new Map<string, Promise<readonly Stored[]>>()
  try {
    const journal = await open()
    const read = (run: string): Promise<readonly Stored[]> => {
      const known = entries.get(run) ?? journal.read(run)
      entries.set(run, known)
      return known
    }
    const newest = await journal.runs({ newest: mostChecked })
    const pending = await journal.runs({ pending: true })
    const suspects = new Set([...newest, ...pending].map(({ run }) => run))
    const damaged = new Map<string, string>()
    for (const run of suspects) {
      try {
        await read(run)
      } catch (thrown) {
        damaged.set(run, failureOf(thrown).message)
      }
    }
    return {
      problem: null,
      total: await journal.count(),
      runs: (wanted) => journal.runs(wanted),
      damaged,
      checked: suspects.size,
      read,
      holder: (system) => journal.holder(system),
    }
  } catch (thrown) {
    return {
      problem: failureOf(thrown, 'journal'),
      total: 0,
      runs: async () => [],
      damaged: new Map(),
      checked: 0,
      read: async () => [],
      holder: async () => null,
    }
  }
}

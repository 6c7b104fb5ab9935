import { systemClock } from '../kernel/clock.ts'
import type { Holder, Stored } from '../run/journal/entry.ts'
import type { JournalView, RunSummary } from '../run/journal/journal.ts'
import { holderOf } from '../run/journal/leases.ts'
import type { PastTimes } from '../run/record/past-times.ts'
import type { OpenRun } from '../views/status.ts'

/** Reads open runs for a screen, and what past runs say about those that a process works on. */
export class OpenRuns {
  readonly #journal: JournalView
  /** By run: a run that is watched learns nothing new from them. */
  readonly #past = new Map<string, Promise<readonly PastTimes[]>>()

  constructor(journal: JournalView) {
    this.#journal = journal
  }

  async read(line: RunSummary): Promise<OpenRun> {
    const found = await holderOf(this.#journal, line)
    return this.of(line.run, await this.#journal.read(line.run), found?.holder ?? null)
  }

  async of(run: string, entries: readonly Stored[], holder: Holder | null): Promise<OpenRun> {
    const { openRunOf } = await import('./open-run.ts')
    return {
      ...openRunOf(run, entries, holder),
      ...(holder?.run === run ? await this.#outlookOf(run, entries) : {}),
    }
  }

  async #outlookOf(
    run: string,
    entries: readonly Stored[],
  ): Promise<Required<Pick<OpenRun, 'situation' | 'timeLeft'>>> {
    const [{ pastTimesOfRun }, { timeLeftAsJson, timeLeftOf }, { situationOf }] = await Promise.all([
      import('../run/record/past-times.ts'),
      import('../run/record/time-left.ts'),
      import('../views/situation.ts'),
    ])
    const read = this.#past.get(run) ?? pastTimesOfRun(this.#journal, entries).catch(() => [])
    this.#past.set(run, read)
    const [past, now] = [await read, systemClock.now()]
    return {
      situation: situationOf(entries, past)(now),
      timeLeft: timeLeftAsJson(timeLeftOf(entries, past)(now)),
    }
  }
}

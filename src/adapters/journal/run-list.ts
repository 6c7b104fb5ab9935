import { randomInt } from 'node:crypto'
import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { matching } from '../../run/journal/history.ts'
import type { RunFilter, RunSummary } from '../../run/journal/journal.ts'
import { committedSoon, patienceMilliseconds, type Connection } from './connection.ts'
import type { Entries } from './entries.ts'
import { isBusy, shortageBehind } from './errors.ts'
import { isAcknowledged } from './head.ts'
import { RunTable } from './run-table.ts'
import type { StateFolder } from './state-folder.ts'

/**
 * The runs of a journal, from the table of runs where it has one, and else from all entries. Each looks for runs
 * that are lost: their heads are there, and none of their entries. That takes the names of all heads, so the
 * state of their folder in which none was lost is kept in the journal: while both stay, nothing can be lost.
 */
export class RunList {
  readonly #folder: StateFolder
  readonly #connection: Connection
  readonly #entries: Entries
  readonly #table: RunTable | null

  constructor(folder: StateFolder, connection: Connection, entries: Entries) {
    this.#folder = folder
    this.#connection = connection
    this.#entries = entries
    this.#table = RunTable.of(connection)
  }

  /** Throws as `JournalView.runs`. */
  runs(wanted: RunFilter): readonly RunSummary[] {
    return this.#ofTable((table) => table.runs(wanted)) ?? matching(this.#ofEntries(), wanted)
  }

  /** Throws as `JournalView.count`. */
  count(wanted: RunFilter): number {
    return (
      this.#ofTable((table) => table.count(wanted)) ??
      matching(this.#ofEntries(), { ...wanted, newest: undefined }).length
    )
  }

  /** @returns null if the table may not have all runs */
  #ofTable<T>(look: (table: RunTable) => T): T | null {
    const table = this.#table
    if (table === null || !table.isComplete) return null
    if (!this.isKnown()) {
      const state = this.#marked()
      this.#refuseLost(() => table.names())
      if (state !== null) this.#remember(table, state)
    }
    // In one transaction, since a process that removes an entry empties the table.
    return this.#connection.transaction(() => (table.isComplete ? look(table) : null))()
  }

  #ofEntries(): readonly RunSummary[] {
    let lines: readonly RunSummary[] = []
    this.#refuseLost(() => {
      lines = this.#entries.lines()
      return lines.map(({ run }) => run)
    })
    return lines
  }

  /** @param listed called after the heads were read: a run that begins meanwhile has an entry before a head */
  #refuseLost(listed: () => readonly string[]): void {
    const { heads } = this.#folder
    const begun = readdirSync(heads)
    const known = new Set(listed())
    const lost = begun.filter(
      (run) => !known.has(run) && isAcknowledged(join(heads, run), run) && !this.#entries.has(run),
    )
    if (lost.length === 0) return
    throw new RunbookError('journal', `the journal is damaged: all entries of ${lost.join(', ')} are lost`, {
      hint: 'keep the state folder unchanged, and check the targets by hand',
    })
  }

  /** Whether the heads are those among which none was lost. */
  isKnown(): boolean {
    const known = this.#table?.heads
    return typeof known === 'string' && known === this.#state()
  }

  /** To be called in the transaction that begins a run, after its head was created, if those before were known. */
  addKnown(): void {
    const state = this.#marked()
    if (state !== null) this.#table?.remember(state)
  }

  #remember(table: RunTable, state: string): void {
    // Whoever only reads does not wait for a writer.
    this.#connection.pragma('busy_timeout = 0')
    try {
      committedSoon(this.#connection, () => table.remember(state))
    } catch (thrown) {
      // It is found out again the next time.
      if (!isBusy(thrown) && shortageBehind(thrown, this.#folder.database) === null) throw thrown
    } finally {
      this.#connection.pragma(`busy_timeout = ${patienceMilliseconds}`)
    }
  }

  #state(): string {
    const { dev, ino, mtimeNs } = statSync(this.#folder.heads, { bigint: true })
    return [dev, ino, mtimeNs].join(' ')
  }

  /**
   * Sets a time that the folder has at no other state: the clock of a file system moves in steps of some
   * milliseconds, so two heads may be created at one time.
   * @returns the state; null if it cannot be set, or a head was created meanwhile
   */
  #marked(): string | null {
    if (this.#table === null || this.#connection.readonly) return null
    const seconds = Math.floor(Date.now() / 1000)
    const microseconds = randomInt(1_000_000)
    try {
      utimesSync(this.#folder.heads, seconds, seconds + microseconds / 1_000_000)
    } catch {
      return null
    }
    const state = this.#state()
    const off =
      BigInt(state.split(' ')[2] ?? 0) - BigInt(seconds) * 1_000_000_000n - BigInt(microseconds) * 1_000n
    // A time passes through a double on its way.
    return off >= -2_000n && off <= 2_000n ? state : null
  }
}

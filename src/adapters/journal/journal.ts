import { join } from 'node:path'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { checkChain, damaged, headFlaw, linked } from '../../run/journal/hash-chain.ts'
import { genesisHash, type Entry, type Holder, type Stored } from '../../run/journal/entry.ts'
import type { Durability, Lease, Journal, RunFilter, RunSummary } from '../../run/journal/journal.ts'
import { committedSoon, type Connection } from './connection.ts'
import { Entries } from './entries.ts'
import { journalError, shortageBehind } from './errors.ts'
import { fileName } from './state-folder.ts'
import { HeadFile, readHead } from './head.ts'
import { LateSync } from './late-sync.ts'
import { Leases } from './leases.ts'
import { Reserve, Spare } from './reserve.ts'
import { RunList } from './run-list.ts'
import type { StateFolder } from './state-folder.ts'

/** Entries that begin something: refused on a full disk, so that the reserve is left for outcomes. */
const openingTypes: ReadonlySet<Entry['type']> = new Set([
  'opened',
  'preflighted',
  'foretold',
  'intent',
  'resumed',
])

/** A journal in SQLite, in a local state folder. Created by `openJournal`. */
export class SqliteJournal implements Journal {
  readonly #folder: StateFolder
  readonly #connection: Connection
  readonly #entries: Entries
  readonly #list: RunList
  readonly #holds: Leases
  readonly #reserve: Reserve
  readonly #spare: Spare
  readonly #late: LateSync
  /** Whether the spare room was released for this process, and is to be reserved again. */
  #spent: boolean
  /** Runs that may use the spare room: they end an open run, or make room. */
  readonly #spenders = new Set<string>()
  readonly #clock: Clock
  #heads: { readonly of: Lease; readonly file: HeadFile } | null = null
  /**
   * Why writing has stopped: after a failed fsync the kernel marks lost pages as clean, so a second one
   * proves nothing.
   */
  #stopped: RunbookError | null = null

  /** @param spent the spare room was released to open the journal */
  constructor(folder: StateFolder, connection: Connection, clock: Clock = systemClock, spent = false) {
    this.#folder = folder
    this.#connection = connection
    this.#entries = new Entries(connection)
    this.#list = new RunList(folder, connection, this.#entries)
    this.#holds = new Leases(connection, folder.locks, clock)
    this.#reserve = new Reserve(folder.reserve)
    this.#spare = new Spare(folder.path)
    this.#late = new LateSync(folder.database, (thrown) => void this.#stop(this.#notSynced(thrown)))
    this.#spent = spent
    this.#clock = clock
  }

  async runs(wanted: RunFilter = {}): Promise<readonly RunSummary[]> {
    return this.#guarded('cannot list the runs of', () => this.#list.runs(wanted))
  }

  async count(wanted: RunFilter = {}): Promise<number> {
    return this.#guarded('cannot count the runs of', () => this.#list.count(wanted))
  }

  async read(run: string): Promise<readonly Stored[]> {
    return this.#guarded('cannot read', () => {
      const path = join(this.#folder.heads, fileName(run))
      // Read the head first: a concurrent writer must not make the rows look shorter than the head.
      const before = readHead(path, run)
      const entries = this.#rows(run)
      const head = before === null || before === 'missing' ? readHead(path, run) : before
      if (entries.length === 0 && (head === null || head === 'missing')) {
        throw new RunbookError('usage', `run ${run} not found`, { hint: 'list the runs: runbook history' })
      }
      if (head === 'missing') throw damaged(run, 'the file with its last entry is missing')
      try {
        checkChain(run, entries, head)
      } catch (thrown) {
        // A damaged text is read as bytes, which are not JSON.
        if (thrown instanceof TypeError) throw damaged(run, 'an entry cannot be read', thrown)
        throw thrown
      }
      return entries
    })
  }

  #rows(run: string): readonly Stored[] {
    try {
      return this.#entries.of(run)
    } catch (thrown) {
      if (thrown instanceof SyntaxError) throw damaged(run, 'an entry cannot be read', thrown)
      throw thrown
    }
  }

  async holder(system: string): Promise<Holder | null> {
    return this.#guarded('cannot read the holder from', () => this.#holds.holder(fileName(system)))
  }

  async hold(system: string, holder: Holder): Promise<Lease> {
    return this.#take(system, holder, false)
  }

  async takeOver(system: string, holder: Holder): Promise<Lease> {
    return this.#take(system, holder, true)
  }

  async #take(system: string, holder: Holder, takeOver: boolean): Promise<Lease> {
    this.#refuseStopped()
    const take = () => this.#holds.take(fileName(system), holder, takeOver)
    try {
      try {
        return await take()
      } catch (thrown) {
        // Whether the run may begin is decided when it is opened.
        if (!this.#lacksRoom(thrown) || !this.#spend()) throw thrown
        return await take()
      }
    } catch (thrown) {
      throw this.#errorFrom('cannot lock a target in', thrown)
    }
  }

  async append(hold: Lease, run: string, entry: Entry, durability: Durability = 'at-once'): Promise<Stored> {
    this.#refuseStopped()
    const begins = openingTypes.has(entry.type)
    if (entry.type === 'resumed' || (entry.type === 'opened' && entry.makesRoom === true))
      this.#spenders.add(run)
    const spends = this.#spenders.has(run)
    try {
      if (begins && !this.#hasRoomFor(entry) && !spends)
        throw Object.assign(new Error('no space for the reserve'), { code: 'ENOSPC' })
      return this.#write(hold, run, entry, durability)
    } catch (thrown) {
      if ((begins && !spends) || !this.#lacksRoom(thrown))
        throw this.#errorFrom(`cannot write the ${entry.type} entry of ${run} to`, thrown)
    }
    return this.#writeFromReserve(hold, run, entry, begins)
  }

  /** Reserves what is missing. */
  #hasRoomFor({ type }: Entry): boolean {
    return this.#reserve.ensure() && (type !== 'opened' || this.#spare.ensure())
  }

  #lacksRoom(thrown: unknown): boolean {
    return !(thrown instanceof RunbookError) && shortageBehind(thrown, this.#folder.database) !== null
  }

  #spend(): boolean {
    const released = this.#spare.release()
    this.#spent ||= released
    return released
  }

  #writeFromReserve(hold: Lease, run: string, entry: Entry, begins: boolean): Stored {
    const doing = `cannot write the ${entry.type} entry of ${run} to`
    if (this.#spenders.has(run) && this.#spend()) {
      try {
        return this.#write(hold, run, entry)
      } catch (thrown) {
        if (begins || !this.#lacksRoom(thrown)) throw this.#errorFrom(doing, thrown)
      }
    }
    try {
      if (!begins) this.#reserve.release()
      return this.#write(hold, run, entry)
    } catch (thrown) {
      const { message, hint, code, cause } = this.#errorFrom(doing, thrown)
      throw new RunbookError(code === 'preflight' && !begins ? 'in-doubt' : code, message, {
        ...(hint === undefined ? {} : { hint }),
        cause,
      })
    }
  }

  #write(hold: Lease, run: string, entry: Entry, durability: Durability = 'at-once'): Stored {
    const soon = durability === 'soon'
    if (soon) this.#late.prepare()
    const insert = () => this.#insert(hold, run, entry)
    const { stored, flaw, heads } = soon ? committedSoon(this.#connection, insert) : insert()
    // A damaged run may be released, but its head stays, so it never reads as intact again.
    if (flaw !== null) return stored
    if (soon) {
      this.#late.add(stored, heads)
      return stored
    }
    try {
      heads.write(stored)
    } catch (thrown) {
      // The entry is stored, so it must not be written again.
      throw this.#stop(
        cannot('write the head of', `entry ${stored.seq} of ${run} to ${this.#folder.heads}`, null, {
          code: 'journal',
          hint: `check the disk (dmesg, df -h), then resume the run with \`runbook resume ${run}\``,
          cause: thrown,
        }),
      )
    }
    this.#late.covered()
    return stored
  }

  #insert(
    hold: Lease,
    run: string,
    entry: Entry,
  ): { readonly stored: Stored; readonly flaw: string | null; readonly heads: HeadFile } {
    return this.#connection
      .transaction(() => {
        this.#holds.refuseStale(hold, () => this.#entries.of(run).at(-1))
        const tail = this.#entries.tail(run)
        const known = tail === undefined && this.#list.isKnown()
        const heads = this.#headsOf(hold, run)
        const seq = tail === undefined ? 0 : tail.seq + 1
        const flaw = headFlaw(seq, heads.head, (at) =>
          at === tail?.seq ? tail.hash : this.#entries.hashAt(run, at),
        )
        if (flaw !== null && entry.type !== 'released') throw damaged(run, flaw)
        const stored = linked({
          run,
          seq,
          epoch: hold.epoch,
          at: this.#clock.now().toISOString(),
          previous: tail?.hash ?? genesisHash,
          entry,
        })
        this.#entries.insert(stored)
        if (known) this.#list.addKnown()
        return { stored, flaw, heads }
      })
      .immediate()
  }

  /**
   * A lease is for one run, so one file is open at a time; under another lease another process may have
   * written.
   */
  #headsOf(hold: Lease, run: string): HeadFile {
    if (this.#heads?.of === hold && this.#heads.file.run === run) return this.#heads.file
    this.#syncNow()
    this.#heads?.file.close()
    this.#heads = null
    const file = new HeadFile(join(this.#folder.heads, fileName(run)), run)
    this.#heads = { of: hold, file }
    return file
  }

  async close(): Promise<void> {
    if (!this.#connection.open) return
    try {
      this.#syncNow()
    } finally {
      this.#holds.releaseAll()
      this.#shut()
    }
    // The WAL is gone now. Whether all of it fits again is seen when the next run begins.
    if (this.#spent) this.#spare.ensure()
  }

  /** Of entries that were to be durable soon. @throws RunbookError `journal`; then nothing more is written */
  #syncNow(): void {
    try {
      this.#late.now()
    } catch (thrown) {
      throw this.#stop(this.#notSynced(thrown))
    }
  }

  #notSynced(cause: unknown): RunbookError {
    return cannot('sync', this.#folder.database, null, {
      code: 'journal',
      hint: 'check the disk (dmesg, df -h), then resume the run with `runbook resume`',
      cause,
    })
  }

  #shut(): void {
    this.#late.close()
    this.#heads?.file.close()
    this.#heads = null
    this.#connection.close()
  }

  #guarded<T>(doing: string, body: () => T): T {
    this.#refuseStopped()
    try {
      return body()
    } catch (thrown) {
      throw journalError(doing, this.#folder.database, thrown)
    }
  }

  #errorFrom(doing: string, thrown: unknown): RunbookError {
    const error = journalError(doing, this.#folder.database, thrown)
    return error.code === 'journal' && error !== thrown ? this.#stop(error) : error
  }

  #stop(error: RunbookError): RunbookError {
    if (this.#stopped === null) {
      this.#stopped = error
      this.#shut()
    }
    return error
  }

  #refuseStopped(): void {
    if (this.#stopped !== null) {
      throw new RunbookError(
        'journal',
        `this process no longer uses the journal in ${this.#folder.path}: ${this.#stopped.message}`,
        {
          ...(this.#stopped.hint === undefined ? {} : { hint: this.#stopped.hint }),
          cause: this.#stopped,
        },
      )
    }
    if (!this.#connection.open) throw new RunbookError('bug', `the journal in ${this.#folder.path} is closed`)
  }
}

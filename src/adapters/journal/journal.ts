import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { checkChain, damaged, headFlaw, linked } from '../../run/journal/hash-chain.ts'
import { genesisHash, type Entry, type Holder, type Stored } from '../../run/journal/entry.ts'
import type { Lease, Journal, RunSummary } from '../../run/journal/journal.ts'
import type { Connection } from './connection.ts'
import { Entries } from './entries.ts'
import { isNoSpace, journalError } from './errors.ts'
import { fileName } from './state-folder.ts'
import { HeadFile, isAcknowledged, readHead } from './head.ts'
import { Leases } from './leases.ts'
import { Reserve } from './reserve.ts'
import type { StateFolder } from './state-folder.ts'

/** What begins something new: on a full disk it is refused, so that the space set aside is left for what has happened. */
const openingTypes: ReadonlySet<Entry['type']> = new Set([
  'opened',
  'preflighted',
  'foretold',
  'intent',
  'resumed',
])

/** A journal in SQLite, in a state folder of this machine. Made by `openJournal`. */
export class SqliteJournal implements Journal {
  readonly #folder: StateFolder
  readonly #connection: Connection
  readonly #entries: Entries
  readonly #holds: Leases
  readonly #reserve: Reserve
  readonly #clock: Clock
  #heads: { readonly of: Lease; readonly file: HeadFile } | null = null
  /** Why nothing is written any more: after a failed fsync the kernel takes lost pages for written ones, so a second one proves nothing. */
  #broken: RunbookError | null = null

  constructor(folder: StateFolder, connection: Connection, clock: Clock = systemClock) {
    this.#folder = folder
    this.#connection = connection
    this.#entries = new Entries(connection)
    this.#holds = new Leases(connection, folder.locks, clock)
    this.#reserve = new Reserve(folder.reserve)
    this.#clock = clock
  }

  async runs(): Promise<readonly RunSummary[]> {
    return this.#guarded('could not list the runs of', () => {
      // Heads first: a run that begins meanwhile has an entry before it has a head.
      const begun = readdirSync(this.#folder.heads)
      const lines = this.#entries.lines()
      const told = new Set(lines.map((line) => line.run))
      const lost = begun.filter(
        (run) =>
          !told.has(run) && isAcknowledged(join(this.#folder.heads, run), run) && !this.#entries.has(run),
      )
      if (lost.length === 0) return lines
      throw new RunbookError(
        'journal',
        `the journal is damaged: all entries of ${lost.join(', ')} are lost`,
        {
          hint: 'keep the state folder as it is, and look at the targets yourself',
        },
      )
    })
  }

  async read(run: string): Promise<readonly Stored[]> {
    return this.#guarded('could not read', () => {
      const path = join(this.#folder.heads, fileName(run))
      // Head first: a writer may go on meanwhile, and must not make the rows look shorter than the head.
      const before = readHead(path, run)
      const entries = this.#rows(run)
      const head = before === null || before === 'missing' ? readHead(path, run) : before
      if (entries.length === 0 && (head === null || head === 'missing')) {
        throw new RunbookError('usage', `there is no run ${run}`, {
          hint: '`runbook history` shows the names of runs',
        })
      }
      if (head === 'missing') throw damaged(run, 'the file that tells its last entry is gone')
      try {
        checkChain(run, entries, head)
      } catch (thrown) {
        // What is no text any more comes as bytes, which have no place in JSON.
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
    return this.#guarded('could not look up a holder in', () => this.#holds.holder(fileName(system)))
  }

  async hold(system: string, holder: Holder): Promise<Lease> {
    return this.#take(system, holder, false)
  }

  async takeOver(system: string, holder: Holder): Promise<Lease> {
    return this.#take(system, holder, true)
  }

  async #take(system: string, holder: Holder, seize: boolean): Promise<Lease> {
    this.#refuseBroken()
    try {
      return await this.#holds.take(fileName(system), holder, seize)
    } catch (thrown) {
      throw this.#judge('could not hold a target in', thrown)
    }
  }

  async append(hold: Lease, run: string, entry: Entry): Promise<Stored> {
    this.#refuseBroken()
    const begins = openingTypes.has(entry.type)
    try {
      if (begins && !this.#reserve.ensure())
        throw Object.assign(new Error('no space for the reserve'), { code: 'ENOSPC' })
      return this.#write(hold, run, entry)
    } catch (thrown) {
      if (begins || !isNoSpace(thrown))
        throw this.#judge(`could not write the ${entry.type} entry of ${run} to`, thrown)
    }
    return this.#writeFromReserve(hold, run, entry)
  }

  #writeFromReserve(hold: Lease, run: string, entry: Entry): Stored {
    try {
      this.#reserve.release()
      return this.#write(hold, run, entry)
    } catch (thrown) {
      const { message, hint, code, cause } = this.#judge(
        `could not write the ${entry.type} entry of ${run} to`,
        thrown,
      )
      throw new RunbookError(code === 'preflight' ? 'in-doubt' : code, message, {
        ...(hint === undefined ? {} : { hint }),
        cause,
      })
    }
  }

  #write(hold: Lease, run: string, entry: Entry): Stored {
    const heads = this.#headsOf(hold, run)
    const { stored, flaw } = this.#connection
      .transaction(() => {
        this.#holds.refuseOld(hold)
        const tail = this.#entries.tail(run)
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
        return { stored, flaw }
      })
      .immediate()
    // A damaged run may be released, and its head stays where it was: it never reads as whole again.
    if (flaw !== null) return stored
    try {
      heads.write(stored)
    } catch (thrown) {
      // The entry is there, so it must not be written once more, whatever the reason was.
      throw this.#break(
        new RunbookError(
          'journal',
          `could not secure entry ${stored.seq} of ${run} in ${this.#folder.heads}`,
          {
            hint: `look at the disk (\`dmesg\`, \`df -h\`), then take the run up again with \`runbook resume ${run}\``,
            cause: thrown,
          },
        ),
      )
    }
    return stored
  }

  /** A hold is for one run, so one file is open at a time; under another hold somebody else may have written in between. */
  #headsOf(hold: Lease, run: string): HeadFile {
    if (this.#heads?.of === hold && this.#heads.file.run === run) return this.#heads.file
    this.#heads?.file.close()
    this.#heads = null
    const file = new HeadFile(join(this.#folder.heads, fileName(run)), run)
    this.#heads = { of: hold, file }
    return file
  }

  async close(): Promise<void> {
    if (!this.#connection.open) return
    this.#holds.releaseAll()
    this.#shut()
  }

  #shut(): void {
    this.#heads?.file.close()
    this.#heads = null
    this.#connection.close()
  }

  #guarded<T>(doing: string, body: () => T): T {
    this.#refuseBroken()
    try {
      return body()
    } catch (thrown) {
      throw journalError(doing, this.#folder.database, thrown)
    }
  }

  #judge(doing: string, thrown: unknown): RunbookError {
    const error = journalError(doing, this.#folder.database, thrown)
    return error.code === 'journal' && error !== thrown ? this.#break(error) : error
  }

  #break(error: RunbookError): RunbookError {
    if (this.#broken === null) {
      this.#broken = error
      this.#shut()
    }
    return error
  }

  #refuseBroken(): void {
    if (this.#broken !== null) {
      throw new RunbookError(
        'journal',
        `the journal in ${this.#folder.path} is not used any more by this process: ${this.#broken.message}`,
        {
          ...(this.#broken.hint === undefined ? {} : { hint: this.#broken.hint }),
          cause: this.#broken,
        },
      )
    }
    if (!this.#connection.open)
      throw new RunbookError('bug', `the journal in ${this.#folder.path} was closed`)
  }
}

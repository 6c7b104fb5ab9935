import { failureOf, type Failure } from '../../kernel/errors.ts'
import { frozen, requireJson } from '../../kernel/json.ts'
import type { Entry, Stored } from './entry.ts'
import type { Listener } from './events.ts'
import type { Durability } from './journal.ts'
import { RunFold, type RunState } from './state.ts'

type Append = (entry: Entry, durability: Durability) => Promise<Stored>

/** The entries of one run. Appends are ordered; act on an entry only once it is written. */
export class RunJournal {
  readonly #entries: Stored[]
  readonly #append: Append
  readonly #listener: Listener
  /** Null until the state is asked for. */
  #fold: RunFold | null = null
  /** Of the fold; null after an append. */
  #state: RunState | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #broken: { readonly thrown: unknown } | null = null

  /** Steps get values of the journal; a change to one would make the run differ from what was written, so all are frozen. */
  constructor(entries: readonly Stored[], append: Append, listener: Listener) {
    this.#entries = entries.map(frozen)
    this.#append = append
    this.#listener = listener
  }

  get entries(): readonly Stored[] {
    return this.#entries
  }

  get state(): RunState {
    this.#state ??= this.#folded().state
    return this.#state
  }

  #folded(): RunFold {
    if (this.#fold === null) {
      this.#fold = new RunFold(this.#entries[0])
      for (const stored of this.#entries.slice(1)) this.#fold.add(stored)
    }
    return this.#fold
  }

  /** Why the journal cannot be written any more; null while it can. */
  get broken(): Failure | null {
    return this.#broken === null ? null : failureOf(this.#broken.thrown, 'journal')
  }

  /**
   * Returns once the entry is stored, and durable unless `durability` says otherwise. Writes of concurrent steps
   * are serialised.
   * `preflight` (no space to start something) means that nothing was written, and later writes may succeed.
   * After any other failure the stored state is unknown, so all later writes fail with that first error.
   */
  async write(entry: Entry, durability: Durability = 'at-once'): Promise<void> {
    requireJson(entry, `a journal entry of type ${entry.type}`)
    const written = this.#queue.then(async () => {
      if (this.#broken !== null) throw this.#broken.thrown
      try {
        const stored = frozen(await this.#append(entry, durability))
        this.#entries.push(stored)
        this.#fold?.add(stored)
        this.#state = null
        this.#listener({ type: 'entry', stored })
      } catch (thrown) {
        if (failureOf(thrown, 'journal').code !== 'preflight') this.#broken = { thrown }
        throw thrown
      }
    })
    this.#queue = written.catch(() => undefined)
    return written
  }

  /** Resolves once all pending writes have ended. */
  idle(): Promise<unknown> {
    return this.#queue
  }
}

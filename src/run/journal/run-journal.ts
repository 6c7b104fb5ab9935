import { failureOf, type Failure } from '../../kernel/errors.ts'
import { requireJson } from '../../kernel/json.ts'
import type { Entry, Stored } from './entry.ts'
import type { Listener } from './events.ts'
import { stateOf, type RunState } from './state.ts'

/** The entries of one run. Appends are ordered and durable; act on an entry only once it is written. */
export class RunJournal {
  readonly #entries: Stored[]
  readonly #append: (entry: Entry) => Promise<Stored>
  readonly #listener: Listener
  /** Cached fold of the entries; null after an append. */
  #state: RunState | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #broken: { readonly thrown: unknown } | null = null

  constructor(entries: readonly Stored[], append: (entry: Entry) => Promise<Stored>, listener: Listener) {
    this.#entries = entries.map(frozen)
    this.#append = append
    this.#listener = listener
  }

  get entries(): readonly Stored[] {
    return this.#entries
  }

  get state(): RunState {
    this.#state ??= stateOf(this.#entries)
    return this.#state
  }

  /** Why the journal cannot be written any more; null while it can. */
  get broken(): Failure | null {
    return this.#broken === null ? null : failureOf(this.#broken.thrown, 'journal')
  }

  /**
   * Returns once the entry is durable. Writes of concurrent steps are serialised.
   * `preflight` (no space to start something) means that nothing was written, and later writes may succeed.
   * After any other failure the stored state is unknown, so all later writes fail with that first error.
   */
  async write(entry: Entry): Promise<void> {
    requireJson(entry, `a journal entry of type ${entry.type}`)
    const written = this.#queue.then(async () => {
      if (this.#broken !== null) throw this.#broken.thrown
      try {
        const stored = frozen(await this.#append(entry))
        this.#entries.push(stored)
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

/** Steps get values of the journal; a change to one would make the run differ from what was written. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}

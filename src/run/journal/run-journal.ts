import { failureOf, type Failure } from '../../kernel/errors.ts'
import { requireJson } from '../../kernel/json.ts'
import type { Entry, Stored } from './entry.ts'
import type { Listener } from './events.ts'
import { stateOf, type RunState } from './state.ts'

/** The entries of one run, and the one way to add to them: in order, durable. What follows from an entry may only be done once it is written. */
export class RunJournal {
  readonly #entries: Stored[]
  readonly #append: (entry: Entry) => Promise<Stored>
  readonly #listener: Listener
  /** Folded when it is asked for, until the next entry. */
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

  /** Why nothing can be written any more. */
  get broken(): Failure | null {
    return this.#broken === null ? null : failureOf(this.#broken.thrown, 'journal')
  }

  /**
   * Returns once the entry is durable. Steps that run at the same time write one after another.
   * A journal that refuses a beginning (`preflight`: no room for more) has written nothing, and goes on. After any other failure nobody
   * knows what is written, so nothing more is, and whoever wants to write learns of that first failure.
   */
  async write(entry: Entry): Promise<void> {
    requireJson(entry, `an entry of the kind ${entry.type}`)
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

  /** When everything asked for so far is written, or could not be. */
  idle(): Promise<unknown> {
    return this.#queue
  }
}

/** A step is given values of the journal: were it to change one, the run would go on from something that was never written. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}

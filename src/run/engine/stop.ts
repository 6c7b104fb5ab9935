import { RunbookError, type Code } from '../../kernel/errors.ts'
import type { FoundDown } from '../journal/entry.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** A request to stop, made once or twice. Signal handlers only call `ask`; the run acts on it. */
export interface Stop {
  readonly asked: StopSignal | null
  /** Aborts on the first request: stop at the next safe boundary. */
  readonly soon: AbortSignal
  /** Aborts on the second request: end the children now and leave the step in doubt. */
  readonly now: AbortSignal
}

export class StopButton implements Stop {
  #asked: StopSignal | null = null
  readonly #soon = new AbortController()
  readonly #now = new AbortController()

  get asked(): StopSignal | null {
    return this.#asked
  }

  get soon(): AbortSignal {
    return this.#soon.signal
  }

  get now(): AbortSignal {
    return this.#now.signal
  }

  ask(signal: StopSignal): void {
    if (this.#asked === null) {
      this.#asked = signal
      this.#soon.abort(new RunbookError(codeOf(signal), 'stopped by a signal'))
    } else {
      this.#now.abort(new RunbookError(codeOf(signal), 'stopped at once by a second signal'))
    }
  }
}

export const codeOf = (signal: StopSignal): Code => (signal === 'SIGINT' ? 'interrupted' : 'terminated')

/** Leaves the run open and resumable. Not a failure of a step. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly code: Code
  /** Title of a step whose effect is unknown; null if there is none. */
  readonly doubt: string | null
  /** What whoever raised the doubt advises. */
  readonly hint: string | undefined
  /** A server that died, and when it last answered. */
  readonly down: FoundDown | undefined

  constructor(code: Code, message: string, doubt: string | null, hint?: string, down?: FoundDown) {
    super(message)
    this.code = code
    this.doubt = doubt
    this.hint = hint
    this.down = down
  }
}

/** A first Ctrl-C takes effect here, where nothing is in progress: between steps, attempts or undos. */
export function boundary({ asked }: Stop): void {
  if (asked !== null) throw new Stopped(codeOf(asked), 'stopped at a safe point', null)
}

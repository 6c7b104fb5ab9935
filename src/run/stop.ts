import { RunbookError, type Code } from '../kernel/errors.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** Asked to stop, once or twice. A signal handler only calls `ask`; all else happens where the run looks. */
export interface Stop {
  /** The first request: stop at the next safe boundary. */
  readonly asked: StopSignal | null
  /** Aborts on the second request: end the children now and leave the step in doubt. */
  readonly now: AbortSignal
}

export class StopButton implements Stop {
  #asked: StopSignal | null = null
  readonly #now = new AbortController()

  get asked(): StopSignal | null {
    return this.#asked
  }

  get now(): AbortSignal {
    return this.#now.signal
  }

  ask(signal: StopSignal): void {
    if (this.#asked === null) this.#asked = signal
    else this.#now.abort(new RunbookError(codeOf(signal), 'stopped at once by a second signal'))
  }
}

export const codeOf = (signal: StopSignal): Code => (signal === 'SIGINT' ? 'interrupted' : 'terminated')

/** Leaves the run where it is: open, resumable, and said so. It is no failure of a step. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly code: Code
  /** A step whose effect is unknown, because it was cut off. */
  readonly doubt: string | null

  constructor(code: Code, message: string, doubt: string | null) {
    super(message)
    this.code = code
    this.doubt = doubt
  }
}

import { RunbookError, type Code } from '../../kernel/errors.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** Asked to stop, once or twice. A signal handler only calls `ask`; all else happens where the run looks. */
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

/** Where nothing is under way a first Ctrl-C takes hold: between two steps, between two attempts of one, between two undos. */
export function boundary({ asked }: Stop): void {
  if (asked !== null) throw new Stopped(codeOf(asked), 'stopped where nothing was under way', null)
}

import type { Readable, Writable } from 'node:stream'

/** One program call. Never a shell string: an argument reaches the program byte for byte. */
export type Call = {
  readonly argv: readonly string[]
  readonly cwd?: string
  /** On top of the little that a child inherits (see environment.ts). The place for a secret, never argv. */
  readonly env?: { readonly [name: string]: string }
  /**
   * A program fed by a stream also sees the end of its input when this process dies: feed it only formats that know their own end.
   * When the stream fails, the program is ended before its input is closed, so it cannot take half for the whole.
   */
  readonly stdin?: 'none' | string | Uint8Array | Readable
  /**
   * `log`: to scope.output. `text`: collected, at most so many bytes, and not logged; more is an error. A stream is finished, and its
   * errors end the program. `fd`: the child writes there itself. The standard error always goes to scope.output.
   */
  readonly stdout?: 'log' | { readonly text: number } | Writable | { readonly fd: number }
  /** From TERM to KILL, and how long output may stay open once the program has ended. 2000 unless told otherwise. */
  readonly graceMilliseconds?: number
  /**
   * Ends what the program started elsewhere (in a container): called before the program itself is ended, and once more after, so it
   * must bear finding nothing. What it rejects with counts more than the reason for ending.
   */
  readonly endElsewhere?: () => Promise<void>
}

export type Ended = {
  readonly exitCode: number
  /** Empty unless asked for. */
  readonly stdout: string
  /** The last 4 KiB, for messages. */
  readonly stderrTail: string
  readonly milliseconds: number
}

import type { Readable, Writable } from 'node:stream'

/** One program call. It is never a shell string, so each argument reaches the program byte for byte. */
export type Call = {
  readonly argv: readonly string[]
  readonly cwd?: string
  /**
   * Added to the few variables that a child inherits (child-environment.ts). Secrets go here, never into
   * argv.
   */
  readonly env?: { readonly [name: string]: string }
  /**
   * A program that reads a stream also sees end of file when this process dies, so use only formats that mark
   * their end. When the stream fails, the program is ended before its input is closed, so it cannot accept a
   * truncated input.
   */
  readonly stdin?: 'none' | string | Uint8Array | Readable
  /**
   * `log`: to scope.output. `text`: collected up to this many bytes and not logged; more is an error. A
   * stream is ended, and its errors end the program. `fd`: the child writes to it directly. Stderr always
   * goes to scope.output.
   */
  readonly stdout?: 'log' | { readonly text: number } | Writable | { readonly fd: number }
  /** What the program reads from descriptor 3, for a secret beside its input. */
  readonly secret?: string
  /** Time from TERM to KILL, and how long output may stay open after the program has exited. Default 2000. */
  readonly graceMilliseconds?: number
  /**
   * Ends what the program started elsewhere, as in a container. Called before the program is ended and again
   * afterwards, so it must accept finding nothing. Its rejection takes precedence over the reason for ending.
   */
  readonly endElsewhere?: () => Promise<void>
}

export type Ended = {
  readonly exitCode: number
  /** Empty unless `stdout` is `text`. */
  readonly stdout: string
  /** The last 4 KiB, for messages. */
  readonly stderrTail: string
  readonly milliseconds: number
}

/**
 * Whether a program ended by its own decision, so that its exit code says something about its input. 125 to
 * 127 are those of `docker exec` and of a shell that could not start it, 128 and above of a signal that ended
 * it (docs.docker.com, "docker container run", exit status; POSIX sh, "Exit Status for Commands").
 */
export const isOwnExitCode = (exitCode: number): boolean => exitCode >= 0 && exitCode < 125

import { isJson, type JsonObject } from './json.ts'

/** Every outcome of a command, and its exit code. `runbook help exit-codes` prints this table. */
export const exits = {
  succeeded: { exit: 0, means: 'succeeded' },
  bug: { exit: 1, means: 'a bug in the engine' },
  usage: { exit: 2, means: 'usage or configuration: nothing was touched' },
  preflight: { exit: 3, means: 'preflight refused, nothing was touched' },
  failed: { exit: 10, means: 'failed and fully rolled back' },
  'rollback-incomplete': { exit: 11, means: 'failed and the rollback is incomplete' },
  'in-doubt': { exit: 12, means: 'in doubt: a person must decide' },
  held: { exit: 13, means: 'the target is held by another run' },
  verification: { exit: 14, means: 'verification of an artifact failed' },
  changed: { exit: 15, means: 'the runbook, its inputs or its target changed since the plan' },
  journal: { exit: 16, means: 'the journal is damaged, or newer than this program' },
  hangup: { exit: 129, means: 'stopped by a hangup at a safe boundary' },
  interrupted: { exit: 130, means: 'stopped by Ctrl-C at a safe boundary' },
  terminated: { exit: 143, means: 'stopped by TERM at a safe boundary' },
} as const

export type Code = keyof typeof exits

/**
 * What went wrong, for the operator: what was being done, to what, the cause, and one thing to type next.
 * Match `code`, never the class: an error read back from the journal is data.
 */
export class RunbookError extends Error {
  override readonly name = 'RunbookError'
  readonly code: Code
  readonly hint: string | undefined
  /** What does not answer and may come back, such as `shop/db` or `docker`; undefined if it did answer. */
  readonly down: string | undefined
  /** `author`: the mistake is in a team's code; its place is where the stack leaves the program. */
  readonly by: 'author' | undefined

  constructor(code: Code, message: string, more: Omit<ErrorParts, 'code'> = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.hint = more.hint
    this.down = more.down
    this.by = more.by
  }
}

/** The parts of an error besides what was being done, to what and why it failed. */
export interface ErrorParts {
  readonly code: Code
  /** One thing to type or to check next. */
  readonly hint?: string
  readonly cause?: unknown
  /** What does not answer and may come back: a wait may help. */
  readonly down?: string
  /** The mistake is in the code that called the program. */
  readonly by?: 'author'
}

/**
 * An error made of its parts, so that all errors sound alike: `cannot read /srv/api/.env: no such file`.
 * @param doing the act, as a verb: `read`
 * @param what it was done to: a path, a service, a database
 * @param why it failed; left out where `cause` says it
 */
export function cannot(doing: string, what: string, why: string | null, parts: ErrorParts): RunbookError {
  const { code, ...more } = parts
  return new RunbookError(code, `cannot ${doing} ${what}${why === null ? '' : `: ${why}`}`, more)
}

/** The hint of an error, by shape, since a team's package may bring its own copy of the class. */
export const hintOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'hint' in thrown && typeof thrown.hint === 'string' ? thrown.hint : undefined

/** What is down according to an error or its causes, by shape as above; undefined if nothing is known to be. */
export function downOf(thrown: unknown): string | undefined {
  for (let at = thrown, left = 10; at instanceof Error && left > 0; at = at.cause, left -= 1)
    if ('down' in at && typeof at.down === 'string') return at.down
  return undefined
}

/** An error as data: what the journal and evidence keep. */
export type Failure = JsonObject & {
  readonly code: Code
  readonly message: string
  readonly hint?: string
}

/** Converts anything thrown to data. A foreign error keeps its message; its class is ignored. */
export function failureOf(thrown: unknown, otherwise: Code = 'failed'): Failure {
  if (thrown instanceof RunbookError) {
    return {
      code: thrown.code,
      message: messageOf(thrown),
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
    }
  }
  return { code: otherwise, message: messageOf(thrown) }
}

export function errorOf(failure: Failure): RunbookError {
  return new RunbookError(
    failure.code,
    failure.message,
    failure.hint === undefined ? {} : { hint: failure.hint },
  )
}

/** The message of anything thrown, which may be no Error, with its causes. */
export const messageOf = (thrown: unknown): string => withCause(thrown, [])

function withCause(thrown: unknown, outer: readonly unknown[]): string {
  const message = textOf(thrown instanceof Error ? thrown.message : thrown)
  const cause = thrown instanceof Error ? thrown.cause : undefined
  if (cause === undefined || cause === thrown || outer.includes(cause)) return message
  const because = withCause(cause, [...outer, thrown])
  return message.includes(because) ? message : `${message}: ${because}`
}

/** Any value as text, also one that has no form as text. */
export function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return `a value of type ${typeof value}`
  }
}

/** A value in a message: as JSON if it is JSON. */
export function shown(value: unknown): string {
  try {
    if (isJson(value)) return JSON.stringify(value)
  } catch {
    // A proxy or getter that throws when it is read.
  }
  return textOf(value)
}

import { RunbookError } from '../../kernel/errors.ts'
import type { AttemptContext } from './attempt-context.ts'
import type { RunContext } from './run-context.ts'
import { codeOf, Stopped } from './stop.ts'

/** Time that an aborted step has to end its children. Milliseconds. */
export const grace = 4_000

export class StepTimedOut extends RunbookError {
  constructor(title: string, seconds: number, cause?: unknown) {
    super('failed', `"${title}" timed out after ${seconds} s`, {
      cause,
      hint: 'raise its timeoutSeconds in the runbook, or find out why it hangs',
    })
  }
}

/** Ends the timers of an attempt that has ended. One for all: a new error would record its stack. */
const over = new Error('the attempt has ended')

type Settled<T> = { readonly value: T } | { readonly thrown: unknown }

const settledOf = <T>(work: () => Promise<T>): Promise<Settled<T>> =>
  (async () => work())().then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  )

/**
 * Runs code of a step that may act, bounded by its timeout and the second Ctrl-C, with a grace period to end.
 * @throws StepTimedOut on a timeout if the step ends within the grace period
 * @throws Stopped if it was interrupted, did not end, or lost track of what it started: its effect is unknown
 */
export async function withTimeout<T>(
  context: RunContext,
  attempt: AttemptContext,
  title: string,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const { now } = context.stop
  if (now.aborted) throw interrupted(context, title)
  const timers = new AbortController()
  const stopRequested = new Promise<void>((resolve) =>
    attempt.signal.signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  const graceOver = stopRequested
    .then(() => context.clock.sleep(grace, timers.signal))
    .then(
      () => 'grace-over' as const,
      () => 'grace-over' as const,
    )
  const stop = (): void => attempt.signal.abort(now.reason)
  now.addEventListener('abort', stop, { once: true })
  let late = false
  const alarm = context.clock.sleep(seconds * 1000, timers.signal).then(
    () => {
      late = true
      attempt.signal.abort(new StepTimedOut(title, seconds))
    },
    () => undefined,
  )
  try {
    const ended = await Promise.race([settledOf(work), graceOver])
    if (now.aborted) throw interrupted(context, title)
    if (ended === 'grace-over')
      throw new Stopped('in-doubt', `"${title}" did not stop within ${grace / 1000} s when told to`, title)
    if ('value' in ended) return ended.value
    const { thrown } = ended
    // The driver lost track of what it started: not a failure that could be undone at once, timed out or not.
    if (thrown instanceof RunbookError && thrown.code === 'in-doubt')
      throw new Stopped('in-doubt', thrown.message, title, thrown.hint)
    throw late && !(thrown instanceof StepTimedOut || thrown instanceof Stopped)
      ? new StepTimedOut(title, seconds, thrown)
      : thrown
  } finally {
    now.removeEventListener('abort', stop)
    timers.abort(over)
    await alarm
  }
}

const interrupted = (context: RunContext, title: string): Stopped =>
  new Stopped(codeOf(context.stop.asked ?? 'SIGINT'), `"${title}" was interrupted`, title)

/**
 * Runs a look, which cannot act, bounded by its timeout and the second Ctrl-C. One that hangs is abandoned.
 * @throws StepTimedOut, or Stopped
 */
export async function lookWithTimeout<T>(
  context: RunContext,
  attempt: AttemptContext,
  title: string,
  seconds: number,
  look: () => Promise<T>,
): Promise<T> {
  const { now } = context.stop
  if (now.aborted) throw interrupted(context, title)
  const timers = new AbortController()
  const stopped = new Promise<'stopped'>((resolve) =>
    now.addEventListener('abort', () => resolve('stopped'), { once: true, signal: timers.signal }),
  )
  const late = context.clock.sleep(seconds * 1000, timers.signal).then(
    () => 'late' as const,
    () => 'late' as const,
  )
  try {
    const ended = await Promise.race([settledOf(look), stopped, late])
    if (ended === 'stopped') throw interrupted(context, title)
    if (ended === 'late') throw new StepTimedOut(title, seconds)
    if ('value' in ended) return ended.value
    throw ended.thrown
  } finally {
    timers.abort(over)
    attempt.signal.abort(over)
  }
}

import { RunbookError } from '../kernel/errors.ts'
import type { Bench, Stage } from './stage.ts'
import { codeOf, Stopped } from './stop.ts'

/** How long a step may take to end its children once it was told to. Milliseconds. */
export const grace = 4_000

/**
 * Runs one piece of a step within its time and under the second Ctrl-C.
 * @throws RunbookError `failed` on a time-out that the step obeyed
 * @throws Stopped when it was cut off, or does not end when told to: then nobody knows what it did
 */
export async function within<T>(stage: Stage, bench: Bench, title: string, seconds: number, work: () => Promise<T>): Promise<T> {
  const timer = new AbortController()
  const cutOff = (): void => bench.signal.abort(stage.stop.now.reason)
  if (stage.stop.now.aborted) cutOff()
  stage.stop.now.addEventListener('abort', cutOff, { once: true })
  let late = false
  const alarm = stage.clock.sleep(seconds * 1000, timer.signal).then(
    () => {
      late = true
      bench.signal.abort(new RunbookError('failed', `"${title}" took longer than ${seconds} s`))
    },
    () => undefined,
  )
  const given = new Promise<'silent'>((resolve) => {
    bench.signal.signal.addEventListener('abort', () => void stage.clock.sleep(grace, timer.signal).then(() => resolve('silent'), () => undefined), { once: true })
  })
  try {
    const ended = await Promise.race([work().then((value) => ({ value }), (thrown: unknown) => ({ thrown })), given])
    if (stage.stop.now.aborted) throw new Stopped(codeOf(stage.stop.asked ?? 'SIGINT'), `"${title}" was cut off`, title)
    if (ended === 'silent') throw new Stopped('in-doubt', `"${title}" was told to end and did not within ${grace / 1000} s`, title)
    if ('thrown' in ended) throw late ? new TookTooLong(title, seconds, ended.thrown) : ended.thrown
    return ended.value
  } finally {
    timer.abort()
    stage.stop.now.removeEventListener('abort', cutOff)
    await alarm
  }
}

export class TookTooLong extends RunbookError {
  constructor(title: string, seconds: number, cause: unknown) {
    super('failed', `"${title}" took longer than ${seconds} s and was ended`, { cause, hint: 'give it more with { timeoutSeconds } in the runbook, or find out why it hangs' })
  }
}

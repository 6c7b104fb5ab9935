import type { Look } from '../../../src/index.ts'

/** Milliseconds between two attempts. */
const pause = 300

/** Asks repeatedly, at least once, until there is an answer; null when the time is up. */
export async function until<T>(
  { clock, signal }: Pick<Look, 'clock' | 'signal'>,
  seconds: number,
  ask: () => Promise<T | null>,
): Promise<T | null> {
  const end = clock.monotonic() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== null || clock.monotonic() >= end) return answer
    await clock.sleep(pause, signal)
  }
}

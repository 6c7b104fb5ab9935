import type { Clock } from '../kernel/clock.ts'
import { isAtWork } from '../scripts/at-work.ts'

export type FakeClock = Clock & {
  /** Advances both clocks, as for time that passes outside the run. */
  pass(milliseconds: number): void
  /** How many sleepers wait now. */
  readonly asleep: number
}

type Sleeper = { readonly until: number; readonly wake: () => void }

/**
 * A clock that advances only while every caller sleeps: it jumps to the first one to wake. A wait of an hour
 * costs nothing, and a step that hangs reaches its timeout at once. Real waits (timers, files, processes) are
 * not seen, so a step under test must wait with this clock only; what zx does for a script step is waited for.
 */
export function fakeClock(start = new Date('2026-02-03T05:00:00Z')): FakeClock {
  let elapsed = 0
  let pumping = false
  const sleepers = new Set<Sleeper>()
  const pump = (): void => {
    if (pumping || sleepers.size === 0) return
    pumping = true
    // Two turns of the event loop, so that pending in-memory work finishes first.
    setImmediate(() =>
      setImmediate(() => {
        pumping = false
        if (isAtWork()) {
          pump()
          return
        }
        const next = [...sleepers].sort((one, other) => one.until - other.until)[0]
        if (next === undefined) return
        sleepers.delete(next)
        elapsed = Math.max(elapsed, next.until)
        next.wake()
        pump()
      }),
    )
  }
  return {
    now: () => new Date(start.getTime() + elapsed),
    monotonic: () => elapsed,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error)
          return
        }
        const aborted = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason as Error)
        }
        const sleeper: Sleeper = {
          until: elapsed + milliseconds,
          wake: () => {
            signal?.removeEventListener('abort', aborted)
            resolve()
          },
        }
        signal?.addEventListener('abort', aborted, { once: true })
        sleepers.add(sleeper)
        pump()
      }),
    pass(milliseconds) {
      elapsed += milliseconds
    },
    get asleep() {
      return sleepers.size
    },
  }
}

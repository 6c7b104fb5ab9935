import type { Clock } from '../kernel/clock.ts'

export type FakeClock = Clock & {
  /** Moves both clocks on, as time that passes outside of the run. */
  pass(milliseconds: number): void
  /** How many are asleep now. */
  readonly asleep: number
}

type Sleeper = { readonly until: number; readonly wake: () => void }

/**
 * Time that passes only while everybody sleeps: then it jumps to the first who wakes. A wait of an hour costs nothing, and a step that
 * hangs meets its time-out at once. Real waits (timers, files, processes) are not seen, so a step under test must wait by this clock alone.
 */
export function fakeClock(start = new Date('2026-02-03T05:00:00Z')): FakeClock {
  let elapsed = 0
  let pumping = false
  const sleepers = new Set<Sleeper>()
  const pump = (): void => {
    if (pumping || sleepers.size === 0) return
    pumping = true
    // Two turns of the event loop: whoever still has something to do in memory has done it by then.
    setImmediate(() =>
      setImmediate(() => {
        pumping = false
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

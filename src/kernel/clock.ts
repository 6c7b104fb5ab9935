import { setTimeout as delay } from 'node:timers/promises'

/** The source of time, injected so that tests control it. */
export interface Clock {
  /** Wall-clock time, for people, records and file names. It may jump. */
  now(): Date
  /** Milliseconds from an arbitrary start, never decreasing: for timeouts and measurements. */
  monotonic(): number
  /** Rejects with the signal's reason when the signal aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    try {
      await delay(milliseconds, undefined, signal === undefined ? {} : { signal })
    } catch (thrown) {
      throw signal?.aborted ? signal.reason : thrown
    }
  },
}

/** `20260203-041233`: sorts by time, safe in file names and database names, always UTC. */
export function stamp(at: Date): string {
  return at.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '-')
}

import type { Stored } from './entry.ts'

/** When a step began what it does now, or how long it took. */
export type StepTime = {
  /** Time of its latest intent, forward or back; null before the first. ISO 8601. */
  readonly since: string | null
  /** Duration of its last attempt that ended, by the monotonic clock; null if none has, or it is unknown. */
  readonly milliseconds: number | null
}

/** Times of the steps that have begun, by id. */
export function stepTimesOf(entries: readonly Stored[]): ReadonlyMap<string, StepTime> {
  const times = new Map<string, StepTime>()
  for (const { at, entry } of entries) {
    if (entry.type === 'intent' || entry.type === 'undo-intent')
      times.set(entry.step, { since: at, milliseconds: null })
    else if (entry.type === 'ended' || entry.type === 'undo-ended')
      times.set(entry.step, {
        since: times.get(entry.step)?.since ?? null,
        milliseconds: entry.milliseconds,
      })
  }
  return times
}

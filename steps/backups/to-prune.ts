import type { Backup } from '../../src/index.ts'

/**
 * Backups that may go, oldest last. Pure.
 * @param others newest first, without the one that was just made
 * @param keep how many stay, the one just made among them
 * @param now what says it was taken later is of a wrong clock, and no reason to let anything go
 * @returns those beyond `keep` that are old. One that looks like none (too small, of the future, without a moment in its name) is neither
 *   counted nor removed: a week of empty files must not push the last good backup out.
 */
export function toPrune(others: readonly Backup[], keep: number, minBytes: number, now: Date): readonly Backup[] {
  const whole = others.filter(({ bytes, takenAt, dated }) => dated === 'by-name' && bytes >= minBytes && Date.parse(takenAt) <= now.getTime())
  return whole.toSorted((one, other) => Date.parse(other.takenAt) - Date.parse(one.takenAt)).slice(Math.max(keep, 1) - 1)
}

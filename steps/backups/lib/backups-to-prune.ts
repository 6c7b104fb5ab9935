import type { Backup } from '../../../src/index.ts'
import { mayGo } from './retention-rule.ts'

/**
 * Backups that may go, oldest last. Pure.
 * @param others newest first, without the one that was just made
 * @param keep how many stay, the one just made among them
 */
export function toPrune(
  others: readonly Backup[],
  keep: number,
  minBytes: number,
  now: Date,
): readonly Backup[] {
  const newestFirst = likely(others, minBytes, now).toSorted(
    (one, other) => Date.parse(other.takenAt) - Date.parse(one.takenAt),
  )
  return mayGo(newestFirst, Math.max(keep, 1) - 1, () => false)
}

/**
 * Without those that look like none (too small, of the future, without a moment in their name): they are neither counted nor removed, for a
 * week of empty files must not push the last good backup out.
 * @param now what says it was taken later is of a wrong clock, and no reason to let anything go
 */
export const likely = (backups: readonly Backup[], minBytes: number, now: Date): readonly Backup[] =>
  backups.filter(
    ({ bytes, takenAt, dated }) =>
      dated === 'by-name' && bytes >= minBytes && Date.parse(takenAt) <= now.getTime(),
  )

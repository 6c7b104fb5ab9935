import type { Backup } from '../../../src/index.ts'
import { mayGo } from './retention-rule.ts'

/**
 * Backups to remove, oldest last. Pure.
 * @param others without the backup that this run made
 * @param keep how many stay, including the one that this run made
 * @param minBytes anything smaller does not count as a backup
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
 * Drops what does not look like a backup: too small, dated in the future, no exact time in its name. These are
 * neither counted nor removed, so that a week of empty files cannot push out the last good backup.
 * @param now a later date means a wrong clock, which must not cause a removal
 */
export const likely = (backups: readonly Backup[], minBytes: number, now: Date): readonly Backup[] =>
  backups.filter(
    ({ bytes, takenAt, takenBy, dated }) =>
      dated === 'by-name' &&
      takenBy === undefined &&
      bytes >= minBytes &&
      Date.parse(takenAt) <= now.getTime(),
  )

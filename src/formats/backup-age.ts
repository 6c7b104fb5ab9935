import type { Backup, BackupPlace } from '../drivers/backups.ts'

/** For messages: `taken TIME`, or `taken between` two times. */
export const whenTaken = ({ takenAt, takenBy }: Pick<Backup, 'takenAt' | 'takenBy'>): string =>
  takenBy === undefined ? `taken ${takenAt}` : `taken between ${takenAt} and ${takenBy}`

/**
 * Why a backup is too old; null where it is recent enough.
 * @param takenBefore the moment from which its age counts, if that is before now
 */
export function tooOld(
  { maxAgeSeconds }: Pick<BackupPlace, 'maxAgeSeconds'>,
  backup: Backup,
  now: Date,
  takenBefore: string | null = null,
): string | null {
  const moment = takenBefore === null ? now.getTime() : Math.min(Date.parse(takenBefore), now.getTime())
  const ageSeconds = Math.round((moment - Date.parse(backup.takenAt)) / 1000)
  if (ageSeconds <= maxAgeSeconds) return null
  const age = `${hours(ageSeconds)} ${takenBefore === null ? 'ago' : 'before the bad deployment'}`
  return `${backup.file} was ${whenTaken(backup)}, ${age}; at most ${hours(maxAgeSeconds)} are allowed`
}

const hours = (seconds: number): string => `${(seconds / 3600).toFixed(1)} h`

import type { Backup, BackupPlace } from '../drivers/backups.ts'

type Times = Pick<Backup, 'takenAt' | 'takenBy'>

/** The date of a backup whose name has a date and no time; null for others. */
export function dateAlone({ takenAt, takenBy }: Times): string | null {
  const isDay = takenBy !== undefined && Date.parse(takenBy) - Date.parse(takenAt) === 86_400_000 - 1
  return isDay ? takenAt.slice(0, 10) : null
}

/** For messages: `taken TIME`, `taken on DATE`, or `taken between` two times. */
export function whenTaken(times: Times): string {
  const date = dateAlone(times)
  if (date !== null) return `taken on ${date} (its name does not say at what time)`
  const { takenAt, takenBy } = times
  return takenBy === undefined ? `taken ${takenAt}` : `taken between ${takenAt} and ${takenBy}`
}

/** The same as a value: `TIME`, or no more than is known of it. */
export const takenText = (times: Times): string => whenTaken(times).replace(/^taken (?:on )?/, '')

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

/** What to do about one that is too old; `usual` where its name has the time. */
export const oldHint = (times: Times, usual: string): string =>
  dateAlone(times) === null
    ? usual
    : `${usual}; its name has no time, so its age counts from the start of that day: allow a day more with \`maxAge\`, such as '50h', or name backups with a time, such as 20260203_041233`

const hours = (seconds: number): string => `${(seconds / 3600).toFixed(1)} h`

import { RunbookError } from '../kernel/errors.ts'

/**
 * A time that somebody typed, or that long ago. A day begins at midnight UTC, as all times of the program are in UTC.
 * @param doing what it is for, as in `cannot list runs since "x"`
 */
export async function instantOf(text: string, doing: string, now: Date): Promise<Date> {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const zoned = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})$/.test(text)
  const at = new Date(day ? `${text}T00:00:00Z` : zoned ? text.replace(' ', 'T') : Number.NaN)
  if (!Number.isNaN(at.getTime())) return at
  const { seconds } = await import('../sections/parts/quantities.ts')
  try {
    if (!day && !zoned) return new Date(now.getTime() - seconds(text) * 1000)
  } catch {
    // Neither a time nor a duration; the error below names both.
  }
  throw new RunbookError('usage', `cannot ${doing} ${JSON.stringify(text)}: it is not a time`, {
    hint: "write it as 2026-02-03, as 2026-02-03T04:12:00Z, or as the duration until now, such as '31d'",
  })
}

/**
 * The forms in which a time is written into a file name: `20260203_041233`, `20260203-041233`,
 * `20260203041233`, `20260203-041233Z`, `2025-09-22T101500Z`, `2026-02-03T04-12-33Z`, after a `T` also with a
 * fraction or an offset. A regex source for use in a larger expression; it must not be preceded or followed
 * by a digit.
 */
export const timeSource =
  String.raw`(?<!\d)\d{4}-?\d{2}-?\d{2}` +
  String.raw`(?:T\d{2}[-:]?\d{2}[-:]?\d{2}(?:[.-]\d{3}(?=Z))?(?:Z|[+-]\d{2}:?\d{2}(?!\d))?|[_-]?\d{2}[-:]?\d{2}[-:]?\d{2}Z?)(?!\d)`

/**
 * A date alone or without seconds: `2026-11-29`, `20261129`, `2026-11-29_01-00`, `20261129T0100Z`. It stands for
 * every moment of its day or minute.
 */
export const coarseTimeSource = String.raw`(?<!\d)\d{4}(?:-\d{2}-\d{2}|\d{4})(?:[T_-]?\d{2}[-:]?\d{2}Z?)?(?!\d)`

const parts =
  /^(?<year>\d{4})(?<dash>-?)(?<month>\d{2})\k<dash>(?<day>\d{2})[T_-]?(?<hour>\d{2})(?<colon>[-:]?)(?<minute>\d{2})\k<colon>(?<second>\d{2})(?:[.-](?<milli>\d{3}))?(?:Z|(?<sign>[+-])(?<ahead>\d{2}):?(?<aheadMinutes>\d{2}))?$/

/**
 * A time without a zone is read as UTC, since a file name does not say where it was made. Null for an invalid
 * time.
 */
export function readTime(text: string): Date | null {
  const found = parts.exec(text)?.groups
  if (found === undefined) return null
  const of = (name: string): number => Number(found[name] ?? 0)
  const at = Date.UTC(
    of('year'),
    of('month') - 1,
    of('day'),
    of('hour'),
    of('minute'),
    of('second'),
    of('milli'),
  )
  const read = new Date(at)
  // Date.UTC turns 31 February into a day of March.
  const real =
    read.getUTCMonth() === of('month') - 1 &&
    read.getUTCDate() === of('day') &&
    of('hour') < 24 &&
    of('minute') < 60 &&
    of('second') < 60
  if (!real || of('ahead') > 14 || of('aheadMinutes') > 59) return null
  const offset = (of('ahead') * 60 + of('aheadMinutes')) * 60_000
  return new Date(found['sign'] === '-' ? at + offset : at - offset)
}

/** The first and the last moment of a date alone or without seconds, in UTC. Null for an invalid one. */
export function readCoarseTime(text: string): { readonly from: Date; readonly to: Date } | null {
  const [, date = '', , time] = /^(\d{4}(-?)\d{2}\2\d{2})(?:[T_-]?(\d{2}[-:]?\d{2})Z?)?$/.exec(text) ?? []
  const minute = time?.replace(/\D/, '')
  const from = readTime(`${date.replaceAll('-', '')}T${minute ?? '0000'}00Z`)
  if (from === null) return null
  const milliseconds = minute === undefined ? 86_400_000 : 60_000
  return { from, to: new Date(from.getTime() + milliseconds - 1) }
}

/** The time in a file name. Null if there is none, or two different ones. */
export function timeInName(name: string): Date | null {
  const moments = new Set<number>()
  for (const [text] of name.matchAll(new RegExp(timeSource, 'g'))) {
    const at = readTime(text)
    if (at !== null) moments.add(at.getTime())
  }
  const [only] = moments
  return moments.size === 1 && only !== undefined ? new Date(only) : null
}

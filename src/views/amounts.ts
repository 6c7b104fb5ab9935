import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'

/** `8m 12s`; under a minute with tenths of a second. */
export const duration = (seconds: number): string => prettyMilliseconds(Math.round(seconds * 1000))

export const size = (bytes: number): string => prettyBytes(bytes, { binary: true })

/** `2026-02-03 04:12:33 UTC`: one time zone, so that records of different machines can be compared. */
export function moment(at: string): string {
  const time = new Date(at)
  return Number.isNaN(time.getTime()) ? at : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `26m 50s`, `1h 2m`: whole seconds and two units, for what changes while it is read. Never negative. */
export const coarse = (seconds: number): string =>
  seconds < 0.5 ? '0s' : prettyMilliseconds(Math.round(seconds) * 1000, { unitCount: 2 })

/** `04:12:33 UTC`, for a moment that is near. */
export const timeOfDay = (at: Date): string => `${at.toISOString().slice(11, 19)} UTC`

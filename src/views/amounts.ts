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

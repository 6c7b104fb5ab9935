import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'

/** `8m 12s`; below a minute with a tenth. */
export const duration = (seconds: number): string => prettyMilliseconds(Math.round(seconds * 1000))

export const size = (bytes: number): string => prettyBytes(bytes, { binary: true })

/** `2026-02-03 04:12:33 UTC`: one zone, so that records of several people can be laid side by side. */
export function moment(at: string): string {
  const time = new Date(at)
  return Number.isNaN(time.getTime()) ? at : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'
import type { Progress } from '../drivers/scope.ts'

/** `45% (12 MB of 27 MB, 8s left)`: the progress of a step and its remaining time at the pace so far. */
export function progressText({ done, total, unit }: Progress, milliseconds: number): string {
  const amount = (value: number): string =>
    unit === 'bytes' ? prettyBytes(value) : `${value.toLocaleString('en')} ${unit}`
  if (total === undefined || total <= 0) return amount(done)
  const share = Math.min(1, done / total)
  const left =
    share > 0 && share < 1 && milliseconds >= 2_000
      ? `, ${elapsedText((milliseconds * (1 - share)) / share)} left`
      : ''
  return `${Math.floor(share * 100)}% (${amount(done)} of ${amount(total)}${left})`
}

/** `8s`, `3m 12s`. */
export const elapsedText = (milliseconds: number): string =>
  prettyMilliseconds(Math.max(1000, Math.floor(milliseconds / 1000) * 1000), { unitCount: 2 })

import type { Measure, Measures } from '../run/record/measures.ts'
import { duration } from './amounts.ts'
import { fitted, type Width } from './fit.ts'

/** `RTO 8m 12s (objective 15m, met)`; empty without a measurement and an objective. */
export function amount(name: string, { seconds, objectiveSeconds, verdict }: Measure): string {
  if (seconds === null)
    return objectiveSeconds === null ? '' : `${name} unknown (objective ${duration(objectiveSeconds)})`
  const measured = `${name} ${duration(seconds)}`
  return objectiveSeconds === null
    ? measured
    : `${measured} (objective ${duration(objectiveSeconds)}, ${verdict})`
}

/** The measured times in one line; empty where there are none. A downtime of zero is left out. */
export function measuredText({ rto, downtime, rpo }: Measures, width: Width = null): string {
  const parts = [
    amount('RTO', rto),
    downtime.seconds === 0 ? '' : amount('downtime', downtime),
    amount('RPO', rpo),
  ].filter((part) => part !== '' && !part.includes(' unknown '))
  return parts.length === 0 ? '' : fitted(`Measured: ${parts.join(', ')}\n`, width)
}

import type { Measure, Measures } from '../run/record/measures.ts'
import { duration, moment } from './amounts.ts'
import { fitted, type Width } from './fit.ts'

/** `4m 10s, met`; of what was not over `at least 4m 10s, since …`; empty where nothing was measured. */
export function measured({ seconds, notOver, verdict }: Measure): string {
  if (seconds === null)
    return notOver === undefined
      ? ''
      : `at least ${duration(notOver.seconds)}, since ${moment(notOver.since)}`
  return `${duration(seconds)}${verdict === 'met' || verdict === 'missed' ? `, ${verdict}` : ''}`
}

/** `RTO 8m 12s (objective 15m, met)`; empty without a measurement and an objective. */
export function amount(name: string, measure: Measure): string {
  const { seconds, notOver, objectiveSeconds, verdict } = measure
  if (seconds === null && notOver !== undefined) return `${name} ${measured(measure)}`
  if (seconds === null)
    return objectiveSeconds === null ? '' : `${name} unknown (objective ${duration(objectiveSeconds)})`
  const time = `${name} ${duration(seconds)}`
  return objectiveSeconds === null ? time : `${time} (objective ${duration(objectiveSeconds)}, ${verdict})`
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

import type { JsonObject } from '../../kernel/json.ts'
import type { Objectives } from '../../model/target.ts'
import type { Plan } from '../../model/plan.ts'
import type { Stored } from '../journal/entry.ts'
import { timesOf, type Times } from '../journal/times.ts'

export type Measure = JsonObject & {
  /** Null if it could not be measured, for the reason in `why`. Never negative. */
  readonly seconds: number | null
  readonly why: string | null
  /** Of what was not over when the run last saw it: since when it lasts, and how long it lasted until then. */
  readonly notOver?: { readonly since: string; readonly seconds: number }
  readonly objectiveSeconds: number | null
  readonly verdict: 'met' | 'missed' | 'unknown' | 'no objective'
}

export type Measures = JsonObject & {
  /** From the start of the run until the service is up again. */
  readonly rto: Measure
  /** The same from the incident on. Missing where the run was not given when that began. */
  readonly incident?: Measure
  /** Total time in which the service was down. */
  readonly downtime: Measure
  /** Data loss: from the time as of which the data now is until the service went down. */
  readonly rpo: Measure
  readonly dataAsOf: string | null
}

/**
 * Computed from the journal alone, by the wall clock of its entries: no other clock survives a resume after a
 * reboot. What cannot be measured is null with a reason, never guessed and never zero.
 */
export function measuresOf(entries: readonly Stored[]): Measures {
  const times = timesOf(entries)
  const { rtoSeconds, rpoSeconds } = objectivesOf(times.plan)
  if (times.mode === 'dry-run') {
    const none = { why: 'a dry run measures nothing' }
    return {
      rto: judged(none, rtoSeconds),
      downtime: judged(none, null),
      rpo: judged(none, rpoSeconds),
      dataAsOf: null,
    }
  }
  const since = incidentSince(times.plan)
  if (times.rewound) {
    const none = { why: 'the clock was set back during the run' }
    return {
      rto: judged(none, rtoSeconds),
      ...(since === null ? {} : { incident: judged(none, rtoSeconds) }),
      downtime: judged(none, null),
      rpo: judged(none, rpoSeconds),
      dataAsOf: times.data?.asOf ?? null,
    }
  }
  return {
    rto: judged(rtoOf(times, times.openedAt, 'the clock moved back slightly during the run'), rtoSeconds),
    ...(since === null
      ? {}
      : { incident: judged(rtoOf(times, since, 'it began after the recovery'), rtoSeconds) }),
    downtime: judged(downtimeOf(times), null),
    rpo: judged(rpoOf(times), rpoSeconds),
    dataAsOf: times.data?.asOf ?? null,
  }
}

export type Measured =
  | { readonly seconds: number }
  | { readonly why: string; readonly notOver?: NonNullable<Measure['notOver']> }

export function judged(measured: Measured, objectiveSeconds: number | null): Measure {
  const seconds = 'seconds' in measured ? measured.seconds : null
  const why = 'why' in measured ? measured.why : null
  const notOver = 'notOver' in measured ? { notOver: measured.notOver } : {}
  if (objectiveSeconds === null)
    return { seconds, why, ...notOver, objectiveSeconds, verdict: 'no objective' }
  return {
    seconds,
    why,
    ...notOver,
    objectiveSeconds,
    verdict: seconds === null ? 'unknown' : seconds <= objectiveSeconds ? 'met' : 'missed',
  }
}

export function between(from: string, to: string, backwards: string): Measured {
  const milliseconds = Date.parse(to) - Date.parse(from)
  if (Number.isNaN(milliseconds))
    return { why: `${Number.isNaN(Date.parse(from)) ? from : to} is not a valid time` }
  return milliseconds < 0 ? { why: backwards } : { seconds: milliseconds / 1000 }
}

/** When the incident began, as far as the run was asked with it; null where it was not. */
export function incidentSince({ params }: Plan): string | null {
  const since = params['badSince']
  return typeof since === 'string' && !Number.isNaN(Date.parse(since)) ? since : null
}

function rtoOf({ plan, endedWell, skipped, turned }: Times, from: string, backwards: string): Measured {
  if (turned) return { why: 'the run was rolled back, so it recovered nothing' }
  const upSteps = plan.steps.filter((step) => step.marks.upAfter && !skipped.has(step.id))
  if (upSteps.length === 0) return { why: 'no step of this run marks the service as up' }
  const unfinished = upSteps.find((step) => !endedWell.has(step.id))
  if (unfinished !== undefined) return { why: `"${unfinished.title}" has not succeeded` }
  const last =
    upSteps
      .map((step) => endedWell.get(step.id) ?? '')
      .sort()
      .at(-1) ?? ''
  return between(from, last, backwards)
}

function downtimeOf({ plan, outages, seenAt }: Times): Measured {
  if (outages.length === 0 && !plan.steps.some((step) => step.marks.downFrom))
    return { why: 'no step of this runbook takes the service down' }
  let seconds = 0
  for (const { from, to } of outages) {
    const one = between(from, to ?? seenAt, 'the clock moved back slightly during the run')
    if ('seconds' in one) seconds += one.seconds
    if (to === null) {
      const why = 'the service was not confirmed up again'
      // Where nothing confirms that it is up, it may have been up long before the end.
      const confirmed = plan.steps.some(({ marks }) => marks.upAfter)
      return 'why' in one || !confirmed
        ? { why }
        : { why, notOver: { since: from, seconds: rounded(seconds) } }
    }
    if ('why' in one) return one
  }
  return { seconds: rounded(seconds) }
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000

function rpoOf({ chosen, data, outages, openedAt, turned }: Times): Measured {
  if (turned && chosen) return { why: 'the run was rolled back, and the restored data with it' }
  if (data === null) return { why: 'this run restored no data' }
  return between(data.asOf, outages[0]?.from ?? openedAt, 'the data is newer than the start of the downtime')
}

function objectivesOf(plan: Plan): Objectives {
  const { rtoSeconds, rpoSeconds } = (plan.target['objectives'] ?? {}) as Partial<Objectives>
  return { rtoSeconds: rtoSeconds ?? null, rpoSeconds: rpoSeconds ?? null }
}

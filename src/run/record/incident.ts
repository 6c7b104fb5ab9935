import type { JsonObject } from '../../kernel/json.ts'
import { between, incidentSince, judged, type Measure, type Measured } from './measures.ts'
import type { Outage, RunRecord } from './record.ts'

/** One run of an incident. `record` is null where it is missing or unreadable. */
export type IncidentRun = {
  readonly record: RunRecord | null
  /** Why its evidence does not verify; empty where it does. */
  readonly defects: readonly string[]
}

/** Several runs seen as one, by their records. */
export type Incident = {
  /** When somebody or something noticed it; null where nobody said. */
  readonly alarm: string | null
  /** Whether the time was given, or is the earliest `--bad-since` of the runs. */
  readonly alarmFrom: 'given' | 'runs' | null
  /** By target, sorted. Those that no run took down or brought up are left out. */
  readonly targets: readonly TargetIncident[]
  /** In order. */
  readonly moments: readonly Moment[]
  /** The earliest and the latest moment; null without any. */
  readonly span: { readonly from: string; readonly to: string } | null
}

export type TargetIncident = JsonObject & {
  readonly target: string
  /** In order, without overlaps. */
  readonly outages: readonly Outage[]
  /** When it was up for good; null where that is not known. */
  readonly upAt: string | null
  /** From the alarm until then. */
  readonly rto: Measure
  readonly downtime: Measure
}

export type Moment = JsonObject & {
  readonly at: string
  /** Null for what concerns no single run. */
  readonly run: string | null
  readonly what:
    | 'alarm'
    | 'started'
    | 'down'
    | 'up'
    | 'approved'
    | 'ended'
    | RunRecord['events'][number]['what']
  readonly says: string
}

/** @param given time of the alarm; null: the earliest moment since when a run was told that the data was bad */
export function incidentOf(runs: readonly IncidentRun[], given: string | null): Incident {
  const records = verifiedIn(runs)
  const since = records.flatMap(({ plan }) => incidentSince(plan) ?? []).sort()[0] ?? null
  const alarm = given ?? since
  const unseen = runs.filter((run) => !isVerified(run)).length
  const names = [...new Set(records.map(({ target }) => target))].sort()
  const moments = [
    ...(alarm === null ? [] : [{ at: alarm, run: null, what: 'alarm' as const, says: '' }]),
    ...records.flatMap(momentsOf),
  ].sort((one, other) => Date.parse(one.at) - Date.parse(other.at))
  const times = moments.map(({ at }) => at)
  const [from, to] = [times[0], times.at(-1)]
  return {
    alarm,
    alarmFrom: given !== null ? 'given' : alarm === null ? null : 'runs',
    targets: names.flatMap((target) => {
      const own = records.filter((record) => record.target === target && record.mode === 'run')
      return targetOf(target, own, alarm, unseen)
    }),
    moments,
    span: from === undefined || to === undefined ? null : { from, to },
  }
}

export const isVerified = ({ record, defects }: IncidentRun): boolean =>
  record !== null && defects.length === 0

const verifiedIn = (runs: readonly IncidentRun[]): readonly RunRecord[] =>
  runs
    .flatMap((run) => (run.record !== null && isVerified(run) ? [run.record] : []))
    .sort((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt))

function targetOf(
  target: string,
  records: readonly RunRecord[],
  alarm: string | null,
  unseen: number,
): readonly TargetIncident[] {
  const outages = merged(records.flatMap(({ outages: own = [] }) => own))
  const ups = records.flatMap(({ startedAt, measures: { rto } }) =>
    rto.seconds === null ? [] : [new Date(Date.parse(startedAt) + rto.seconds * 1000).toISOString()],
  )
  if (outages.length === 0 && ups.length === 0) return []
  const objective = records
    .map(({ measures }) => measures.rto.objectiveSeconds)
    .findLast((one) => one !== null)
  const hidden = `the evidence of ${unseen === 1 ? '1 run' : `${unseen} runs`} is not verified`
  const up = unseen > 0 ? { why: hidden } : upAtLast(outages, ups)
  const rto: Measured =
    'why' in up
      ? up
      : alarm === null
        ? { why: 'the time of the alarm is not known' }
        : between(alarm, up.at, 'the alarm came after the recovery')
  return [
    {
      target,
      outages,
      upAt: 'at' in up ? up.at : null,
      rto: judged(rto, objective ?? null),
      downtime: judged(unseen > 0 ? { why: hidden } : downtimeOf(outages), null),
    },
  ]
}

/** Runs of two state folders may overlap where their clocks differ; no second counts twice. */
function merged(outages: readonly Outage[]): readonly Outage[] {
  const all: Outage[] = []
  for (const one of [...outages].sort((a, b) => Date.parse(a.from) - Date.parse(b.from))) {
    const last = all.at(-1)
    const overlaps = last !== undefined && (last.to === null || one.from <= last.to)
    if (last === undefined || !overlaps) all.push(one)
    else if (last.to !== null && (one.to === null || one.to > last.to))
      all[all.length - 1] = { ...last, to: one.to }
  }
  return all
}

/**
 * A run that only checks confirms what is up already, so what counts is the first time after the last outage began.
 * A rolled-back run brings the service up as it was, which is a recovery only where one had succeeded before.
 */
function upAtLast(
  outages: readonly Outage[],
  ups: readonly string[],
): { readonly at: string } | { readonly why: string } {
  const last = outages.at(-1)
  const first = ups.find((at) => last === undefined || at >= last.from)
  if (first !== undefined) return { at: first }
  if (ups.length === 0) return { why: 'no run brought the service up' }
  return last?.to == null ? { why: 'the service was not confirmed up again' } : { at: last.to }
}

function downtimeOf(outages: readonly Outage[]): Measured {
  let seconds = 0
  for (const { from, to } of outages) {
    if (to === null) return { why: 'the service was not confirmed up again' }
    const one = between(from, to, 'a clock was set back')
    if ('why' in one) return one
    seconds += one.seconds
  }
  return { seconds: Math.round(seconds * 1000) / 1000 }
}

function momentsOf(record: RunRecord): readonly Moment[] {
  const { run, runbook, target, startedAt, endedAt, events, outages = [], steps } = record
  const on = `${runbook} on ${target}`
  return [
    { at: startedAt, run, what: 'started' as const, says: on },
    ...outages.flatMap(({ from, to }): readonly Moment[] => [
      { at: from, run, what: 'down', says: target },
      ...(to === null ? [] : [{ at: to, run, what: 'up' as const, says: target }]),
    ]),
    ...steps.flatMap(({ effect, status, output, title }): readonly Moment[] => {
      const { by, at } = (output ?? {}) as JsonObject
      return effect === 'decide' && status === 'done' && typeof at === 'string'
        ? [{ at, run, what: 'approved', says: `${title}: ${String(by)}` }]
        : []
    }),
    ...events.map(({ at, what, says }): Moment => ({ at, run, what, says })),
    ...(endedAt === null ? [] : [{ at: endedAt, run, what: 'ended' as const, says: on }]),
  ].filter(({ at }) => !Number.isNaN(Date.parse(at)))
}

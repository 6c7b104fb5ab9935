import type { EarlierRun } from '../../run/journal/entry.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { duration, moment } from '../amounts.ts'
import { code, strong, type Block, type Inline } from '../document.ts'
import { result } from '../result.ts'

/** This run among earlier ones of the same runbook on the same target, newest first. */
export function trend({
  earlier = [],
  run,
  startedAt,
  outcome,
  measures,
  mode,
  released,
}: RunRecord): readonly Block[] {
  if (earlier.length === 0 || mode === 'dry-run' || outcome === 'open') return []
  const { rto, downtime, rpo } = measures
  const own: EarlierRun = {
    run,
    startedAt,
    outcome,
    rtoSeconds: rto.seconds,
    downtimeSeconds: downtime.seconds,
    rpoSeconds: rpo.seconds,
  }
  const rows = [own, ...earlier]
  return [
    {
      kind: 'table',
      head: ['Run', 'Started', 'Result', 'RTO', 'Downtime', 'RPO'],
      rows: rows.map((one): readonly Inline[] => [
        one === own ? strong('this run') : code(one.run),
        moment(one.startedAt),
        result({ mode, outcome: one.outcome, failure: null, released: one === own ? released : null }),
        ...[one.rtoSeconds, one.downtimeSeconds, one.rpoSeconds].map((seconds) =>
          seconds === null ? '' : duration(seconds),
        ),
      ]),
      bars: {
        title: 'Recovery time',
        lengths: rows.map(({ rtoSeconds }) => rtoSeconds),
        limit: rto.objectiveSeconds,
      },
    },
  ]
}

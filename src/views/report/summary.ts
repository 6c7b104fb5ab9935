import type { Measure } from '../../run/record/measures.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { duration, moment } from '../amounts.ts'
import { cell, markdown } from '../markup.ts'
import { result } from '../result.ts'
import { table } from './table.ts'

export function summaryTable(record: RunRecord): string {
  const { plan, startedAt, endedAt } = record
  const title = plan.target['title']
  const took = endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  return table(
    ['Result', `**${result(record)}**`],
    [
      ['Run', cell(record.run)],
      ['Runbook', cell(record.runbook)],
      ['Target', typeof title === 'string' ? `${cell(record.target)}, ${cell(title)}` : cell(record.target)],
      ['Who', `${cell(record.by)} on ${cell(record.host)}`],
      ['From', moment(startedAt)],
      [
        'To',
        endedAt === null
          ? 'not finished'
          : `${moment(endedAt)}${took !== null && took >= 0 ? ` (${duration(took)})` : ''}`,
      ],
      ['Story', record.story === null ? 'none' : cell(record.story)],
      ['Reason', record.reason === null ? 'none given' : cell(record.reason)],
      ...(record.mode === 'dry-run'
        ? []
        : [['Previous dry run', record.foretoldBy === null ? 'none of this plan' : cell(record.foretoldBy)]]),
      ['Program', `${cell(record.engine)}, Node.js ${cell(record.node)}`],
      ['Plan', cell(plan.digest)],
      ...(record.remains ?? []).map((one) => ['**Remains**', cell(one)]),
    ],
  )
}

export function measuresTable({ measures, mode }: RunRecord): string {
  if (mode === 'dry-run') return ''
  const { rto, downtime, rpo, dataAsOf } = measures
  const row = (name: string, measure: Measure): readonly string[] => [
    name,
    measure.seconds === null ? `unknown: ${markdown(measure.why ?? '')}` : duration(measure.seconds),
    measure.objectiveSeconds === null ? 'none' : duration(measure.objectiveSeconds),
    measure.verdict === 'missed' ? '**missed**' : measure.verdict,
  ]
  return table(
    ['Measure', 'Measured', 'Objective', 'Verdict'],
    [
      row('Recovery time (RTO)', rto),
      row('Downtime', downtime),
      row('Data loss (RPO)', rpo),
      ...(dataAsOf === null ? [] : [['Data as of', moment(dataAsOf), '', '']]),
    ],
  )
}

import { handlesIn } from '../../drivers/secrets.ts'
import { exits } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { flagOf } from '../../model/param.ts'
import { incidentSince, type Measure } from '../../run/record/measures.ts'
import type { RunRecord } from '../../run/record/record.ts'
import type { ScoredEstimate } from '../../run/record/estimate.ts'
import { duration, moment } from '../amounts.ts'
import { pastRuns, roughly } from '../expected.ts'
import { code, strong, table, type Block, type Inline } from '../document.ts'
import { measured } from '../measured.ts'
import { result } from '../result.ts'

export function summaryTable(record: RunRecord): Block {
  const { plan, startedAt, released } = record
  const endedAt = released?.at ?? record.endedAt
  const title = plan.target['title']
  const took = endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  return table(
    ['Result', strong(result(record))],
    [
      ['Run', code(record.run)],
      ['Runbook', code(record.runbook)],
      ['Target', typeof title === 'string' ? [code(record.target), ', ', code(title)] : code(record.target)],
      ['Who', [code(record.by), ' on ', code(record.host)]],
      ['From', moment(startedAt)],
      [
        'To',
        endedAt === null
          ? 'not finished'
          : `${moment(endedAt)}${took !== null && took >= 0 ? ` (${duration(took)})` : ''}`,
      ],
      ['Story', record.story === null ? 'none' : code(record.story)],
      ['Reason', record.reason === null ? 'none given' : code(record.reason)],
      ...(record.mode === 'dry-run'
        ? []
        : [
            [
              'Previous dry run',
              record.foretoldBy === null
                ? 'none: the journal has no dry run of this plan'
                : code(record.foretoldBy),
            ],
          ]),
      ...(released === null
        ? [
            [
              'Exit code',
              record.exit === null ? 'none, it is open' : `${record.exit} (${meaningOf(record.exit)})`,
            ],
          ]
        : [['Closed', ['by ', code(released.by), ': ', code(released.reason)]]]),
      ['Program', [code(record.engine), ', Node.js ', code(record.node)]],
      ['Plan', code(plan.digest)],
      ['Code of the steps', code(plan.source)],
      ...(record.remains ?? []).map((one) => [
        record.kept?.includes(one) === true ? 'Kept' : strong('Remains'),
        code(one),
      ]),
    ],
  )
}

const meaningOf = (exit: number): string =>
  Object.values(exits).find((one) => one.exit === exit)?.means ?? 'unknown'

/** What the run was asked with. A secret is in the plan as the place where it is read, never as its value. */
export function parameters({ plan: { params } }: RunRecord): readonly Block[] {
  const rows = Object.entries(params).map(([name, value]) => [
    code(flagOf(name)),
    value === null ? 'not given' : code(shownValue(value)),
  ])
  return rows.length === 0 ? [] : [table(['Parameter', 'Value'], rows)]
}

function shownValue(value: Json): string {
  const [handle] = handlesIn(value)
  if (handle === undefined) return typeof value === 'string' ? value : JSON.stringify(value)
  return 'env' in handle.from ? `env:${handle.from.env}` : `file:${handle.from.file}`
}

export function measuresTable({ measures, mode, plan, estimate }: RunRecord): readonly Block[] {
  if (mode === 'dry-run') return []
  const { rto, incident, downtime, rpo, dataAsOf } = measures
  const since = incidentSince(plan)
  const row = (name: string, measure: Measure): readonly Inline[] => [
    name,
    measure.seconds === null ? unknown(measure) : duration(measure.seconds),
    measure.objectiveSeconds === null ? 'none' : duration(measure.objectiveSeconds),
    measure.verdict === 'missed' ? strong('missed') : measure.verdict,
  ]
  return [
    table(
      ['Measure', 'Measured', 'Objective', 'Verdict'],
      [
        row('Recovery time (RTO) from the start of the run', rto),
        ...(incident === undefined || since === null
          ? []
          : [row(`Recovery time (RTO) from the incident, ${moment(since)}`, incident)]),
        row('Downtime', downtime),
        row('Data loss (RPO)', rpo),
        ...(dataAsOf === null ? [] : [['Data as of', moment(dataAsOf), '', '']]),
        ...(estimate === undefined ? [] : [estimateRow(estimate)]),
      ],
    ),
  ]
}

const unknown = (measure: Measure): string =>
  `unknown: ${measure.why ?? ''}${measure.notOver === undefined ? '' : `; ${measured(measure)}`}`

/** The estimate leaves out the time of people, so it is compared with what the steps took. */
function estimateRow({ medianSeconds, p90Seconds, runs, takenSeconds }: ScoredEstimate): readonly Inline[] {
  return [
    'Time of the steps, as past runs estimated it',
    takenSeconds === null ? 'unknown: not all succeeded without an interruption' : duration(takenSeconds),
    `${roughly(medianSeconds)}, 90 %: ${roughly(p90Seconds)} (${pastRuns(runs)})`,
    takenSeconds === null ? 'unknown' : takenSeconds <= p90Seconds ? 'as estimated' : 'longer than estimated',
  ]
}

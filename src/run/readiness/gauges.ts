import type { Target } from '../../model/target.ts'
import { isOpen, type RunSummary } from '../journal/journal.ts'
import { pastRunOf } from '../record/past-run.ts'
import type { Gauge } from './check.ts'
import type { DrillStanding } from './drill-calendar.ts'
import type { JournalFacts } from './journal-facts.ts'
import { ownRuns } from './own-runs.ts'

/** Seconds since 1970, as Prometheus counts. */
const seconds = (at: string): number => Date.parse(at) / 1000

/** Of the newest backup in a place. @param proven the newest run that restored it */
export function backupGauges(
  section: string,
  newest: { readonly takenAt: string; readonly bytes: number },
  proven: { readonly at: string } | null,
): readonly Gauge[] {
  const labels = { section }
  return [
    {
      name: 'backup_newest_timestamp_seconds',
      help: 'When the newest backup was taken.',
      value: seconds(newest.takenAt),
      labels,
    },
    { name: 'backup_newest_bytes', help: 'Size of the newest backup.', value: newest.bytes, labels },
    ...(proven === null
      ? []
      : [
          {
            name: 'backup_newest_proven_timestamp_seconds',
            help: 'When the last run began that restored the newest backup and asserted on it.',
            value: seconds(proven.at),
            labels,
          },
        ]),
  ]
}

/** Of a look that may read the newest backup. */
export const readGauge = (section: string, read: boolean): Gauge => ({
  name: 'backup_newest_read',
  help: 'Whether this look read the newest backup to its last byte and found it complete.',
  value: read ? 1 : 0,
  labels: { section },
})

export const drillGauges = ({ drill, proof, dueAt }: DrillStanding): readonly Gauge[] => [
  ...(proof === null
    ? []
    : [
        {
          name: 'drill_last_success_timestamp_seconds',
          help: 'When the last run began that proved the same as the drill.',
          value: seconds(proof.at),
          labels: { drill },
        },
      ]),
  {
    name: 'drill_due_timestamp_seconds',
    help: 'When the drill is due; 0 if it has never succeeded.',
    value: dueAt === null ? 0 : seconds(dueAt),
    labels: { drill },
  },
]

/** Of the runs of a target: how many, and how the latest of each runbook went. */
export async function runGauges(
  target: Target,
  journal: Pick<JournalFacts, 'runs' | 'read'>,
): Promise<readonly Gauge[]> {
  const { rtoSeconds, rpoSeconds } = target.objectives
  const runs = await ownRuns(target, journal)({})
  const real = runs.filter(({ mode }) => mode === 'run')
  const counts = new Map<string, { readonly labels: { [label: string]: string }; value: number }>()
  for (const { runbook, outcome } of real) {
    const labels = { runbook, outcome: outcome ?? 'open' }
    const count = counts.get(JSON.stringify(labels)) ?? { labels, value: 0 }
    count.value += 1
    counts.set(JSON.stringify(labels), count)
  }
  const gauges: Gauge[] = [
    { name: 'open_runs', help: 'Runs that wait for a person.', value: runs.filter(isOpen).length },
    ...[...counts.values()].map((one) => ({ name: 'runs', help: 'Runs in the journal.', ...one })),
    ...maybe('objective_rto_seconds', 'Longest time in which a recovery has to succeed.', rtoSeconds),
    ...maybe('objective_rpo_seconds', 'Longest period whose data may be lost.', rpoSeconds),
  ]
  gauges.push(...(await downGauges(real.filter(isOpen), journal)))
  const ended = real.filter(({ outcome }) => outcome !== null && outcome !== 'refused')
  for (const runbook of new Set(ended.map((line) => line.runbook))) {
    const line = ended.find((one) => one.runbook === runbook)
    // Nothing is known of a damaged run; the check of the journal reports it.
    const entries = line === undefined ? null : await journal.read(line.run).catch(() => null)
    if (line === undefined || entries === null || entries.length === 0) continue
    const { seconds: took, measures } = pastRunOf(entries)
    const labels = { runbook }
    gauges.push(
      {
        name: 'last_run_timestamp_seconds',
        help: 'When the latest run that has ended began.',
        value: seconds(line.startedAt),
        labels,
      },
      {
        name: 'last_run_succeeded',
        help: 'Whether the latest run that has ended succeeded.',
        value: line.outcome === 'succeeded' ? 1 : 0,
        labels,
      },
      ...maybe('last_run_seconds', 'How long it took.', took, labels),
      ...maybe('last_run_rto_seconds', 'Its recovery time.', measures?.rto.seconds ?? null, labels),
      ...maybe('last_run_downtime_seconds', 'Its downtime.', measures?.downtime.seconds ?? null, labels),
      ...maybe('last_run_rpo_seconds', 'How much data it lost.', measures?.rpo.seconds ?? null, labels),
    )
  }
  return gauges
}

/** Since when open runs have the service down, the first of each runbook. */
async function downGauges(
  open: readonly RunSummary[],
  journal: Pick<JournalFacts, 'read'>,
): Promise<readonly Gauge[]> {
  const since = new Map<string, number>()
  for (const { run, runbook } of open) {
    const entries = await journal.read(run).catch(() => null)
    if (entries === null || entries.length === 0) continue
    const { notOver } = pastRunOf(entries).measures?.downtime ?? {}
    if (notOver !== undefined)
      since.set(runbook, Math.min(since.get(runbook) ?? Infinity, seconds(notOver.since)))
  }
  return [...since].map(([runbook, value]) => ({
    name: 'down_since_timestamp_seconds',
    help: 'Since when an open run has the service down, or has not found it up again.',
    value,
    labels: { runbook },
  }))
}

/** Nothing for what is not known: zero would be a measurement. */
const maybe = (
  name: string,
  help: string,
  value: number | null,
  labels?: { readonly [label: string]: string },
): readonly Gauge[] =>
  value === null ? [] : [{ name, help, value, ...(labels === undefined ? {} : { labels }) }]

import { openRunOf } from '../../../src/cli/open-run.ts'
import type { Stored } from '../../../src/run/journal/entry.ts'
import type { RunSummary } from '../../../src/run/journal/journal.ts'
import { pastRunOf } from '../../../src/run/record/past-run.ts'
import { recordOf } from '../../../src/run/record/record.ts'
import type { DrillStanding } from '../../../src/run/readiness/drill-calendar.ts'
import type { LockStanding } from '../../../src/run/readiness/lock-standing.ts'
import type { PlaceStanding, Protection } from '../../../src/run/readiness/protection.ts'
import type { HistoryRun } from '../../../src/views/past-runs.ts'
import type { Foresight } from '../../../src/views/dry-run.ts'
import { dryRunPage } from '../../../src/views/site/dry-run.ts'
import { evidencePage } from '../../../src/views/site/evidence.ts'
import { failurePage } from '../../../src/views/site/failure.ts'
import { overviewPage, type OverviewShown } from '../../../src/views/site/overview.ts'
import { runbookPage } from '../../../src/views/site/runbook.ts'
import { runPage } from '../../../src/views/site/run.ts'
import type { OpenLine } from '../../../src/views/site/runs.ts'
import { targetPage, type TargetShown } from '../../../src/views/site/target.ts'
import { hostile, hostileRun } from '../../fixtures/hostile.ts'
import { nightPlan } from '../../fixtures/night.ts'
import { badRun, goodRun } from '../../fixtures/runs.ts'
import { after } from '../../fixtures/told-run.ts'

export const now = new Date('2026-02-03T05:00:00Z')
const text = hostile.join(' ')

const line = (run: string, more: Partial<RunSummary> = {}): RunSummary => ({
  run,
  system: '00112233aabbccdd',
  runbook: 'full-db-rollback',
  target: 'shop',
  mode: 'run',
  startedAt: after(0),
  outcome: 'succeeded',
  released: false,
  sealed: true,
  story: null,
  ...more,
})
const past = (entries: readonly Stored[], run: RunSummary): HistoryRun => ({
  ...run,
  damage: null,
  past: pastRunOf(entries),
})
const holder = {
  run: 'R3',
  since: after(0),
  by: 'ada',
  host: 'db1',
  pid: 42,
  boot: 'b',
  startedAt: 's',
} as never

export const good = past(goodRun(), line('R1'))
export const bad = past(badRun(), line('R2', { outcome: 'needs-human' }))
export const running: OpenLine = { ...bad, run: 'R3', outcome: null, holder }
const stuck: OpenLine = { ...bad, holder: null }

export const protection: Protection = {
  target: 'shop',
  title: 'The shop',
  places: [
    {
      section: 'backups',
      place: '/backups/db',
      count: 3,
      newest: { name: 'shop-20260203_040000.dump', takenAt: '2026-02-03T04:00:00.000Z', bytes: 1_048_576 },
      proven: { run: 'R1', runbook: 'restore-test', at: '2026-02-03T04:12:00.000Z', by: 'same-digest' },
      problem: null,
    },
  ],
  drills: [
    {
      drill: 'restore-test',
      everySeconds: 31 * 86_400,
      proof: { run: 'R1', runbook: 'restore-test', at: '2026-02-03T04:12:00.000Z' },
      failed: null,
      dueAt: '2026-03-06T04:12:00.000Z',
      state: 'proven',
      why: null,
    },
  ],
  problem: null,
  gauges: [],
}

const place = protection.places[0] as PlaceStanding
const drill = protection.drills?.[0] as DrillStanding
export const weak: Protection = {
  ...protection,
  places: [
    {
      ...place,
      problem: '/backups/db/shop.dump was taken 30.0 h ago; at most 24.0 h are allowed',
      proven: null,
    },
    {
      section: 'data',
      place: 's3://box',
      count: null,
      newest: null,
      proven: null,
      problem: 'the bucket does not answer',
    },
    {
      section: 'bundle',
      place: '/bundles',
      count: 0,
      newest: null,
      proven: null,
      problem: 'no backup b-{time} in /bundles',
    },
  ],
  drills: [
    { ...drill, state: 'overdue', dueAt: '2026-02-01T00:00:00.000Z' },
    {
      ...drill,
      drill: 'monthly',
      state: 'never',
      proof: null,
      dueAt: null,
      failed: { run: 'R9', at: after(9), outcome: 'rolled-back' },
    },
    {
      ...drill,
      drill: 'quarterly',
      state: 'blocked',
      proof: null,
      dueAt: null,
      why: 'shop lacks bundle',
    },
  ],
}

export const overview = (more: Partial<OverviewShown> = {}): string =>
  overviewPage({
    targets: [{ name: 'shop', title: 'The shop' }],
    protection: { all: [protection], at: now },
    open: [],
    problem: null,
    now,
    ...more,
  })

const by = { run: 'R3', by: 'ada', host: 'db1', since: after(0) }
export const locks: readonly LockStanding[] = [
  { what: 'database shop', is: 'held', holder: by, why: null },
  { what: 'service web of shop', is: 'free', holder: null, why: null },
  { what: 'service worker of shop', is: 'not known', holder: null, why: 'the daemon does not answer' },
]

export const target = (more: Partial<TargetShown> = {}): string =>
  targetPage({
    name: 'shop',
    title: 'The shop',
    protection: { one: protection, at: now },
    locks: { all: locks, at: now },
    doctor: { at: after(0), problems: [], warnings: 1, unchecked: 2 },
    open: [],
    runs: [good],
    older: 0,
    runbook: null,
    runbooks: [{ name: 'restore-test', when: 'Every month.' }],
    now,
    ...more,
  })

export const foresight: Foresight = {
  title: 'The night',
  target: 'shop',
  steps: [
    { title: 'Look', state: 'observed', says: 'Looks at the lamp.', details: ['· it is lit'] },
    {
      title: 'Fill',
      state: 'not known yet',
      says: 'Fills the lamp.',
      details: ['→ fills it', '? not known yet'],
    },
    { title: 'Ask', state: 'skipped: nobody is there', says: null, details: [] },
  ],
  changes: ['fills it'],
  asked: ['Whether it is dark.'],
  notPredictable: ['Fill'],
  duration: 'unknown (no successful run yet)',
  defaults: ['Nothing was said of oil'],
  warnings: [{ level: 'warn', about: 'oil', problem: 'there is little', hint: 'buy some' }],
  refusals: [{ level: 'refuse', about: 'lamp', problem: 'it is broken', hint: 'mend it' }],
}

const hostilePlace = {
  ...place,
  section: text,
  place: text,
  problem: text,
  newest: { name: text, takenAt: text, bytes: 1 },
  proven: { run: text, runbook: text, at: text, by: 'same-name' },
}
const hostileDrill = {
  drill: text,
  everySeconds: 1,
  proof: { run: text, runbook: text, at: text },
  failed: { run: text, at: text, outcome: text },
  dueAt: text,
  state: 'blocked',
  why: text,
}
const hostileProtection = {
  target: text,
  title: text,
  places: [hostilePlace],
  drills: [hostileDrill],
  problem: text,
} as unknown as Protection
const hostileLine: OpenLine = {
  ...past(
    hostileRun(),
    line('R4', { run: text, runbook: text, target: text, outcome: null, startedAt: text }),
  ),
  damage: text,
  holder: { ...(holder as object), run: text, by: text, host: text } as never,
}
export const openEntries = badRun().slice(0, 8)
const hostileOpen = openRunOf(text, hostileRun().slice(0, 3), {
  ...(holder as object),
  run: text,
  by: text,
  host: text,
} as never)

const hostilePlan = recordOf(hostileRun()).plan

/** One page of each kind, and each of them with hostile texts. */
export const pages = {
  'an overview that needs nobody': overview(),
  'an overview that needs somebody': overview({
    targets: [
      { name: 'shop', title: 'The shop' },
      { name: 'other', title: 'other' },
    ],
    protection: { all: [weak], at: now },
    open: [running, stuck],
    problem: 'the journal is damaged',
  }),
  'an overview at the start': overview({ protection: null }),
  'a target': target({
    runs: [good, bad],
    older: 3,
    open: [running, stuck],
    protection: { one: weak, at: now },
  }),
  'a target without anything': target({
    runs: [],
    runbooks: [],
    protection: null,
    locks: null,
    doctor: null,
    runbook: 'restore-test',
  }),
  'a runbook': runbookPage({
    plan: nightPlan(),
    params: [{ flag: '--lamp', value: 'oil|gas', help: 'Which lamp', given: 'required', without: null }],
    origin: 'included in runbook',
    past: [60, 90],
    dryRun: null,
    run: good,
  }),
  'a dry run': dryRunPage({
    runbook: 'night',
    target: 'shop',
    seen: foresight,
    without: ['--lamp', '--oil'],
    command: 'runbook run night --target shop --lamp oil|gas --dry-run',
    at: now,
  }),
  'a run that has ended': runPage({ record: recordOf(goodRun()), open: null, planned: true, now }),
  'a run that is open': runPage({
    record: recordOf(openEntries),
    open: openRunOf('R3', openEntries, holder),
    planned: true,
    now,
  }),
  'a run that is stuck': runPage({
    record: recordOf(badRun()),
    open: openRunOf('R3', badRun(), null),
    planned: false,
    now,
  }),
  evidence: evidencePage({
    run: 'R1',
    target: 'shop',
    folder: '/evidence/R1',
    files: [{ name: 'logs/01 a.log', bytes: 12 }],
    defects: [],
    keysMissing: null,
  }),
  'a failure': failurePage(404, 'There is no such page.', 'start from the overview'),
} as const

export const hostilePages = {
  'a hostile overview': overview({
    targets: [{ name: text, title: text }],
    protection: { all: [hostileProtection], at: now },
    open: [hostileLine],
    problem: text,
  }),
  'a hostile target': target({
    name: text,
    title: text,
    protection: { one: hostileProtection, at: now },
    open: [hostileLine],
    runs: [hostileLine],
    doctor: { at: text, problems: [text], warnings: 1, unchecked: 1 },
    locks: {
      all: [
        { what: text, is: 'held', holder: { run: text, by: text, host: text, since: text }, why: null },
        { what: text, is: 'not known', holder: null, why: text },
      ],
      at: now,
    },
    runbook: text,
    runbooks: [{ name: text, when: text }],
  }),
  'a hostile runbook': runbookPage({
    plan: hostilePlan,
    params: [{ flag: text, value: text, help: text, given: text, without: text }],
    origin: text,
    past: [],
    dryRun: hostileLine,
    run: hostileLine,
  }),
  'a hostile dry run': dryRunPage({
    runbook: text,
    target: text,
    seen: {
      title: text,
      target: text,
      steps: [{ title: text, state: text, says: text, details: [text] }],
      changes: [text],
      asked: [text],
      notPredictable: [text],
      duration: text,
      defaults: [text],
      warnings: [{ level: 'warn', about: text, problem: text, hint: text }],
      refusals: [{ level: 'refuse', about: text, problem: text, hint: text }],
    },
    without: [text],
    command: text,
    at: now,
  }),
  'a hostile run': runPage({ record: recordOf(hostileRun()), open: hostileOpen, planned: true, now }),
  'hostile evidence': evidencePage({
    run: text,
    target: text,
    folder: text,
    files: [{ name: text, bytes: 1 }],
    defects: [text],
    keysMissing: text,
  }),
  'a hostile failure': failurePage(500, text, text),
} as const

import { describe, expect, it, test } from 'vitest'
import type { HistoryRun } from '../../src/views/past-runs.ts'
import { backupsText } from '../../src/views/backups.ts'
import { columns } from '../../src/views/columns.ts'
import { doctorText } from '../../src/views/doctor.ts'
import { drillsText } from '../../src/views/drills.ts'
import { dryRunText } from '../../src/views/dry-run.ts'
import { endingText } from '../../src/views/ending.ts'
import { fitted } from '../../src/views/fit.ts'
import { listText } from '../../src/views/list.ts'
import { historyText } from '../../src/views/past-runs.ts'
import { planText } from '../../src/views/plan-text.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { badRun, dryRun } from '../fixtures/runs.ts'

const now = new Date('2026-02-03T04:16:13.000Z')
const run = '20260203-041233-k3x9q'

const measure = { why: null, objectiveSeconds: 300, verdict: 'met' } as const
const past: HistoryRun = {
  run,
  system: 's',
  runbook: 'full-db-rollback',
  target: 'shop',
  mode: 'run',
  startedAt: '2026-02-03T04:12:33.000Z',
  outcome: 'succeeded',
  released: false,
  sealed: true,
  story: 'INC-42',
  damage: null,
  past: {
    endedAt: '2026-02-03T04:14:00.000Z',
    seconds: 87,
    exit: 0,
    measures: {
      rto: { ...measure, seconds: 60 },
      downtime: { ...measure, seconds: 12 },
      rpo: { ...measure, seconds: 3600 },
      dataAsOf: null,
    },
  },
}
const drill = {
  drill: 'monthly-spot-restore',
  everySeconds: 31 * 86_400,
  proof: { run, at: '2026-01-03T04:12:33.000Z' },
  failed: { run, at: '2026-02-01T04:12:33.000Z', outcome: 'rolled-back' },
  dueAt: '2026-02-03T04:12:33.000Z',
  state: 'overdue',
  why: null,
} as unknown as Parameters<typeof drillsText>[0][number]['drills'][number]
const backup = {
  file: '/srv/shop/backups/shop_20260203_030000.dump',
  takenAt: '2026-02-03T03:00:00.000Z',
  bytes: 5_349_376,
  format: 'Postgres 17',
  vouchedBy: 'the checksum in /srv/shop/backups/shop_20260203_030000.dump.sha256',
  proven: { run, runbook: 'restore-test', at: '2026-02-03T03:30:00.000Z', by: 'same-name' },
  readBy: 'list',
  fits: true,
  why: null,
} as unknown as Parameters<typeof backupsText>[0][number]

const views: { readonly [name: string]: (width: number | null) => string } = {
  history: (width) =>
    historyText([past, { ...past, outcome: null, past: null, story: null }], { more: 3, width }),
  drills: (width) => drillsText([{ target: 'shop', drills: [drill] }], now, width),
  backups: (width) =>
    backupsText([backup], {
      target: 'shop',
      directory: '/srv/shop/backups',
      place: '/srv/shop/backups',
      now,
      width,
      fitting: ['full-db-rollback'],
    }),
  doctor: (width) =>
    doctorText(
      [
        {
          check: 'clock',
          target: null,
          facts: ['this machine and the database server differ by less than a second'],
          findings: [],
          unchecked: [],
          gauges: [],
        },
        {
          check: 'backups',
          target: 'shop',
          facts: [],
          findings: [
            {
              level: 'refuse',
              about: 'backups',
              problem: 'the newest backup is 3 days old, and backups.maxAge allows 26 hours',
              hint: 'look why the nightly job stopped, then make one with `pg_dump --format=custom`',
              runbooks: ['full-db-rollback', 'recover-records', 'restore-test'],
            },
          ],
          unchecked: [{ about: 'the last byte', why: 'it was not read to its end; add --deep to read it' }],
          gauges: [],
        },
      ],
      width,
    ),
  list: (width) =>
    listText(
      [
        {
          name: 'full-db-rollback',
          from: 'package',
          title: 'Full DB rollback (production)',
          when: 'A deploy, migration or config change damaged production data, and rolling back the app alone is not enough.',
          targets: [{ name: 'shop', lacks: [] }],
        },
        {
          name: 'restore-test',
          from: 'team',
          title: 'Restore test',
          when: 'Every month.',
          targets: [{ name: 'shop', lacks: ['restoreTest', 'backups'] }],
        },
      ],
      width,
    ),
  plan: (width) => planText(stateOf(badRun()).plan, [], { width }),
  'dry-run': (width) => dryRunText(dryRun(), [12, 14], width),
  ending: (width) =>
    endingText(
      {
        run,
        code: 'rollback-incomplete',
        outcome: 'needs-human',
        failure: {
          code: 'rollback-incomplete',
          message: 'cannot start web: the port 8080 is taken by another program that somebody else started',
          hint: 'free it',
        },
        findings: [],
        folder: '/srv/shop/artifacts/INC-42/2026-02-03-full-db-rollback-20260203-041233-k3x9q',
        doubt: null,
      },
      badRun(),
      width,
    ),
}

/** A command or a path may be longer than the screen, so that it can be copied. */
const mayBeLonger = (line: string, width: number): boolean =>
  /(?:^ *| {2})(?:npx )?runbook /.test(line) ||
  /`[^`]+`/.test(line) ||
  line.split(/\s+/).some((word) => word.length > width - 20)

describe.each(Object.keys(views))('%s', (name) => {
  it.each([40, 80, 200])('at %i columns', async (width) => {
    const text = views[name]?.(width) ?? ''
    const long = text.split('\n').filter((line) => line.length > width && !mayBeLonger(line, width))
    expect(long).toEqual([])
    await expect(text).toMatchFileSnapshot(`screens/${name}-${width}.txt`)
  })

  it('says the same at every width, and moves no cursor', () => {
    const words = (width: number | null) =>
      (views[name]?.(width) ?? '').split(/\s+/).filter((word) => word !== '')
    // A table has its names once; in lines of its own each value has one.
    const said = new Set(words(40))
    expect(words(null).filter((word) => !said.has(word))).toEqual([])
    // oxlint-disable-next-line no-control-regex
    expect([40, 200, null].map((width) => views[name]?.(width)).join()).not.toMatch(/[\u001b\r]/)
  })
})

test('a table that is too wide goes on in the next line, and on a narrow screen has a name for each value', () => {
  const rows = [
    ['RUN', 'OUTCOME', 'STORY'],
    ['R1', 'failed and was rolled back', ''],
    ['R2', 'succeeded', 'INC-42'],
  ]
  expect(columns(rows, 34)).toEqual([
    'RUN  OUTCOME',
    '    STORY',
    'R1   failed and was rolled back',
    'R2   succeeded',
    '    INC-42',
  ])
  expect(columns(rows, 30)).toEqual([
    'RUN      R1',
    'OUTCOME  failed and was rolled',
    '         back',
    '',
    'RUN      R2',
    'OUTCOME  succeeded',
    'STORY    INC-42',
  ])
  expect(columns(rows, 80)).toEqual(columns(rows))
})

test('the rest of a long line is indented, and a command stays whole', () => {
  expect(fitted('  - one two three four\n    hint: five six', 16)).toBe(
    '  - one two\n      three four\n    hint: five\n      six',
  )
  const command = 'Prove it:  runbook run monthly-spot-restore --target shop'
  expect(fitted(command, 20)).toBe(command)
  expect(fitted(command, null)).toBe(command)
})

import { describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { pastTimesOf, type PastTimes } from '../../src/run/record/past-times.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { stepTimesOf } from '../../src/run/journal/step-times.ts'
import { Changes } from '../../src/views/changes.ts'
import { statusText, type OpenRun } from '../../src/views/status.ts'
import { packed, wrapped } from '../../src/views/fit.ts'
import { situationOf } from '../../src/views/situation.ts'
import { stakesText } from '../../src/views/stakes.ts'
import {
  after,
  down,
  ended,
  intent,
  journalOf,
  planWith,
  settled,
  start,
  undoEnded,
  undoIntent,
  up,
} from '../fixtures/told-run.ts'

const pivoted = { before: 5, because: 'Production answers on the restored data.' }
const plan = {
  ...planWith(
    [
      {
        title: 'Choose and verify the dump',
        effect: 'observe',
        kind: 'backups.verify-dump',
        input: { file: { $param: 'dump', path: [] }, takenBefore: { $param: 'badSince', path: [] } },
      },
      { title: 'Ask the operator', effect: 'decide' },
      {
        title: 'Stop writers',
        kind: 'services.stop',
        input: { services: { names: ['web', 'worker'] } },
        ...down,
      },
      { title: 'Swap the restored database in' },
      { title: 'Start writers', kind: 'services.start', ...up },
      { title: 'Prune old dumps', effect: 'destroy', reversal: { irreversible: 'They are deleted.' } },
      { title: 'Write the result down', phase: 'lastly' },
    ],
    { params: { dump: null, badSince: '2026-02-03T03:30:00.000Z' } },
  ),
  pivot: pivoted,
}
const preflighted = { type: 'preflighted', findings: [], warnings: 0, refusals: 0 } as const
type Told = Parameters<typeof journalOf>[1]
const asking = [
  [1, preflighted],
  [1, intent('Choose and verify the dump')],
  [
    4,
    ended('Choose and verify the dump', {
      output: { file: '/backups/shop-0300.dump', takenAt: '2026-02-03T03:00:00Z' },
    }),
  ],
  [5, intent('Ask the operator')],
] as const satisfies Told
const stopped = [
  ...asking,
  [65, ended('Ask the operator')],
  [66, intent('Stop writers', { before: { running: ['web', 'worker'] } })],
  [70, ended('Stop writers', { output: { names: ['web', 'worker'] } })],
  [70, intent('Swap the restored database in')],
] as const satisfies Told
const back = [
  ...stopped,
  [80, { type: 'turned', because: 'asked', failure: null }],
  [80, undoIntent('Swap the restored database in')],
] as const satisfies Told
const recovered = [
  ...stopped,
  [90, ended('Swap the restored database in')],
  [91, intent('Start writers')],
  [99, ended('Start writers', { output: { names: ['web', 'worker'] } })],
  [99, { type: 'pivoted', because: pivoted.because }],
  [99, intent('Prune old dumps')],
] as const satisfies Told

/** A drill whose swap takes so many seconds; every other step takes two. */
const drill = (seconds: number, failing = false): PastTimes =>
  pastTimesOf(
    journalOf(plan, [
      [1, preflighted],
      ...plan.steps
        .filter(({ effect }) => effect !== 'decide')
        .flatMap(({ title }) => [
          [2, intent(title)] as const,
          [3, ended(title, { milliseconds: title.startsWith('Swap') ? seconds * 1000 : 2000 })] as const,
        ]),
      ...(failing
        ? (['Swap the restored database in', 'Stop writers'] as const).flatMap((title) => [
            [4, undoIntent(title)] as const,
            [5, undoEnded(title, { milliseconds: 30_000 })] as const,
          ])
        : []),
      [9, settled(failing ? 'rolled-back' : 'succeeded')],
    ]),
  )
const past = [drill(40), drill(50), drill(60), drill(45, true)]

const at = (told: Told, seconds: number, runs: readonly PastTimes[] = past): readonly string[] =>
  situationOf(journalOf(plan, told), runs)(new Date(start + seconds * 1000))

describe('the situation of a run', () => {
  it('says what is down, what is left of the objective, and until when rolling back makes it', () => {
    expect(at(stopped, 72)).toEqual([
      'running for 1m 12s',
      'DOWN for 6s: web, worker',
      'RTO 30m: 28m 48s left',
      'about 48s until it is up (90 %: 1m; 4 past runs)',
      'rolling back makes the objective until 04:41:00 UTC (90 %: 1m)',
      'backup shop-0300.dump: 1h 13m old, within the RPO of 1d',
    ])
  })

  it('names the answers of people apart, since nobody knows how long they take', () => {
    expect(at(asking, 60)).toEqual([
      'running for 1m',
      'RTO 30m: 29m left',
      'about 52s until it is up (90 %: 1m 4s; 4 past runs), besides an answer of people',
      'the answer leads to DOWN: web, worker for about 52s (90 %: 1m 4s)',
      'backup shop-0300.dump: 1h 13m old, within the RPO of 1d',
    ])
  })

  it('says what an answer leads to also where past runs say nothing, or no service is named', () => {
    expect(at(asking, 60, [])).toContain('the answer leads to DOWN: web, worker for an unknown time')
    const told = asking.map(([seconds, entry]) => [seconds, entry] as const)
    const unnamed = {
      ...plan,
      steps: plan.steps.map((step) => ({ ...step, input: {}, marks: { ...step.marks, upAfter: false } })),
    }
    expect(situationOf(journalOf(unnamed, told), [])(new Date(start + 60_000))).toContain(
      'the answer leads to DOWN: by "Stop writers"',
    )
    expect(at(stopped, 72).join()).not.toContain('the answer leads to')
  })

  it.each([
    [1751, ['the objective is at risk', 'rolling back no longer makes the objective (90 %: 1m)']],
    [
      1765,
      ['the objective will probably be MISSED', 'rolling back no longer makes the objective (90 %: 1m)'],
    ],
  ])('after %i s, of 1800: %j', (seconds, facts) => {
    const late = [...stopped.slice(0, -1), [seconds - 10, intent('Swap the restored database in')]] as Told
    const began = [...late.slice(0, -2), [seconds - 10, ended('Stop writers')], ...late.slice(-1)] as Told
    expect(at(began, seconds)).toEqual(expect.arrayContaining(facts))
  })

  it('says that the objective is missed, and that a step takes longer than ever', () => {
    expect(at(stopped, 1860)).toEqual(
      expect.arrayContaining([
        'RTO 30m: MISSED by 1m',
        '"Swap the restored database in" takes longer than it ever did here',
        'about 2s until it is up (90 %: 2s; 4 past runs)',
      ]),
    )
  })

  it('says what is not known', () => {
    expect(at(stopped, 72, [])).toContain('no past run to estimate the rest from')
    expect(at(stopped, 72, [drill(40)])).toContain('no past rollback to estimate one from')
    const other = pastTimesOf(journalOf(plan, [[1, preflighted]]))
    expect(at(stopped, 72, [other])).toContain(
      'rest not known: no past run of "Swap the restored database in" and 1 more',
    )
  })

  it('says when the service is up, and then counts to the end', () => {
    expect(at(recovered, 100)).toEqual([
      'running for 1m 40s',
      'up again after 1m 39s (RTO 30m met)',
      'past the point of no return',
      'about 3s until the end (90 %: 3s; 4 past runs)',
      'backup shop-0300.dump: 1h 13m old, within the RPO of 1d',
    ])
  })

  it('of a rollback counts to its end', () => {
    expect(at(back, 90)).toEqual([
      'running for 1m 30s',
      'DOWN for 24s: web, worker',
      'about 50s until it is rolled back (90 %: 50s; 1 past run)',
      'backup shop-0300.dump: 1h 13m old, within the RPO of 1d',
    ])
  })

  it('says that the backup is older than the objective', () => {
    const told = asking.map(([seconds, entry]) => [
      seconds,
      entry.type === 'ended'
        ? { ...entry, output: { file: 'old.dump', takenAt: '2026-02-01T00:00:00Z' } }
        : entry,
    ]) as unknown as Told
    expect(at(told, 60)).toContain('backup old.dump: 2d 4h old, OLDER than the RPO of 1d')
  })
})

describe('lines for a screen', () => {
  it('are broken between words, and never within a path', () => {
    expect(wrapped('a bb ccc dddd', 6, '  ')).toEqual(['a bb', '  ccc', '  dddd'])
    expect(wrapped('see /srv/a/very/long/path now', 10, '  ')).toEqual([
      'see',
      '  /srv/a/very/long/path',
      '  now',
    ])
    expect(wrapped('  - a bb ccc', 8, '    ')).toEqual(['  - a bb', '    ccc'])
    expect(wrapped('type `runbook status --watch` now', 12, '  ')).toEqual([
      'type',
      '  `runbook status --watch`',
      '  now',
    ])
    expect(wrapped('as long as it is', null)).toEqual(['as long as it is'])
  })

  it('hold as many facts as fit', () => {
    expect(packed(['one', 'two', 'three'], 8)).toEqual(['one; two', 'three'])
    expect(packed(['one', 'two', 'three'], null)).toEqual(['one; two; three'])
    expect(packed(['a long fact', 'two'], 8)).toEqual(['a long', '  fact', 'two'])
  })
})

const openRun = (entries: readonly Stored[], now: Date): OpenRun => ({
  run: 'R1',
  state: stateOf(entries),
  standing: standingOf(entries),
  holder: { run: 'R1', by: 'ada', host: 'db1', pid: 7, startTime: 1, bootId: 'b', since: after(0) },
  times: stepTimesOf(entries),
  next: null,
  situation: situationOf(entries, past)(now),
})

describe('what is new about a run that is watched', () => {
  it('is each step once, and the situation when it changes and each minute', () => {
    const changes = new Changes()
    const seen = (told: Told, seconds: number): readonly string[] => {
      const now = new Date(start + seconds * 1000)
      return changes.linesOf(openRun(journalOf(plan, told), now), now)
    }
    expect(seen(asking, 10)).toEqual([
      '04:12:10 UTC  R1  Choose and verify the dump: done (1.5s)',
      '04:12:10 UTC  R1  Ask the operator: (waits for a person)',
      expect.stringMatching(/^04:12:10 UTC {2}R1 {2}running for 10s; RTO 30m: 29m 50s left; about /),
    ])
    expect(seen(asking, 69)).toEqual([])
    expect(seen(asking, 70)).toEqual([expect.stringContaining('R1  running for 1m 10s; ')])
    expect(seen(stopped, 72)).toEqual([
      '04:13:12 UTC  R1  Ask the operator: done (1.5s)',
      '04:13:12 UTC  R1  Stop writers: done (1.5s)',
      '04:13:12 UTC  R1  Swap the restored database in: (in progress)',
      expect.stringContaining('R1  running for 1m 12s; DOWN for 6s: web, worker; '),
    ])
    expect(seen(stopped, 73)).toEqual([])
  })
})

/** What a person sees when a run begins, and while it is under way. */
const screenOf = (entries: readonly Stored[], width: number | null): string =>
  `${stakesText(entries, width)}\n${packed(situationOf(entries, past)(new Date(start + 72_000)), width).join('\n')}\n`

describe('the screen of a run', () => {
  it.each([40, 80, 200])('%i columns wide', async (width) => {
    const screen = screenOf(journalOf(plan, stopped), width)
    const longest = Math.max(...screen.split('\n').map(({ length }) => length))
    expect(longest).toBeLessThanOrEqual(width)
    await expect(screen).toMatchFileSnapshot(`screens/run-${width}.txt`)
  })

  it.each([40, 80, 200])('%i columns wide, from another terminal', async (width) => {
    const entries = journalOf(plan, stopped)
    const now = new Date(start + 72_000)
    const screen = statusText([openRun(entries, now)], { now, width })
    expect(Math.max(...screen.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(width)
    await expect(screen).toMatchFileSnapshot(`screens/status-${width}.txt`)
  })

  it('breaks no command of a run that is dead', () => {
    const now = new Date(start + 72_000)
    const dead = { ...openRun(journalOf(plan, stopped), now), holder: null, situation: [] }
    const lines = statusText([dead], { now, width: 30 }).split('\n')
    expect(lines).toContain('  Roll back:  runbook rollback R1')
    expect(lines).toContain('  ? Swap the restored database')
  })

  it('without a width', async () => {
    await expect(screenOf(journalOf(plan, []), null)).toMatchFileSnapshot('screens/run-begins.txt')
  })

  it('leaves out what will not be done, and names the conditions', () => {
    const only = (path: string, is: string) => ({ value: { $param: path, path: [] }, is })
    const unknown = { value: { $ref: 'look', path: ['rows'] }, is: 'true' }
    const branched = planWith(
      [
        { title: 'Look', effect: 'observe' },
        { title: 'Beside', only: [only('strategy', 'beside')] },
        { title: 'Dump the old', only: [only('strategy', 'beside'), unknown] },
        { title: 'In place', only: [only('strategy', 'in-place')] },
        { title: 'One', group: 'both' },
        { title: 'Two', group: 'both' },
      ] as Parameters<typeof planWith>[0],
      { params: { strategy: 'beside' } },
    )
    expect(stakesText(journalOf(branched, []), null)).toContain(
      [
        '    1. Look',
        '    If --strategy is beside',
        '      2. Beside',
        '      If rows of "Look" is true',
        '        3. Dump the old',
        '    In parallel: both',
        '      5. One',
        '      6. Two',
        '  Ctrl-C',
      ].join('\n'),
    )
  })

  it('shows foreign text as it is, and harmless', () => {
    const hostile = planWith([{ title: 'Stop \u001b[2J\nnow' }], { target: { name: 'x\u202e', title: null } })
    const screen = screenOf(journalOf(hostile, [[1, intent('Stop \u001b[2J\nnow')]]), 80)
    expect(screen).toContain('Stop \\u001b[2J\\nnow')
    expect(screen).not.toContain('\u001b')
    expect(screen).not.toContain('\u202e')
  })
})

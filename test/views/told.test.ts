import { describe, expect, test } from 'vitest'
import type { Code } from '../../src/kernel/errors.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import type { Entry, Holder, Outcome, Stored } from '../../src/run/journal/entry.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { stepTimesOf } from '../../src/run/journal/step-times.ts'
import { dryRunText } from '../../src/views/dry-run.ts'
import { endingText } from '../../src/views/ending.ts'
import { historyText } from '../../src/views/past-runs.ts'
import { statusText, type OpenRun } from '../../src/views/status.ts'
import { done, failed, intent, nightEntries, undone } from '../fixtures/night.ts'

const now = new Date('2026-02-03T04:16:13.000Z')
const openRun = (entries: readonly Stored[], holder: Holder | null, next: string | null = null): OpenRun => ({
  run: 'R1',
  state: stateOf(entries),
  standing: standingOf(entries),
  holder,
  times: stepTimesOf(entries),
  next,
})
const result = (outcome: Outcome | 'open', code: Code, more: Partial<Result> = {}): Result => ({
  run: 'R1',
  code,
  outcome,
  failure: null,
  findings: [],
  folder: '/evidence',
  doubt: null,
  ...more,
})
const failure = { code: 'failed', message: 'the \u001b[31mlamp broke', hint: 'buy another' } as const
const half: readonly Entry[] = [
  intent('look-around'),
  done('look-around', { file: 'f', fresh: true }),
  intent('left-hand'),
  done('left-hand'),
  intent('right-hand'),
]
const turned: readonly Entry[] = [
  ...half,
  failed('right-hand', 'ow'),
  { type: 'turned', because: 'ow', failure },
  { type: 'undo-intent', step: 'right-hand', attempt: 1 },
  undone('right-hand'),
  { type: 'undo-intent', step: 'left-hand', attempt: 1 },
  undone('left-hand', 'it is stuck'),
]

describe('the ending', () => {
  test.each<[string, Result, readonly Entry[]]>([
    ['succeeded', result('succeeded', 'succeeded'), []],
    [
      'succeeded, not sealed',
      result('succeeded', 'in-doubt', {
        failure: { code: 'in-doubt', message: 'no room', hint: 'make room' },
      }),
      [],
    ],
    [
      'refused',
      result('refused', 'preflight', {
        findings: [
          { level: 'refuse', about: 'the lamp', problem: 'no oil', hint: 'buy oil' },
          { level: 'warn', about: 'x', problem: 'late', hint: 'sleep' },
        ],
      }),
      [],
    ],
    ['rolled back', result('rolled-back', 'failed', { failure }), []],
    ['verification', result('rolled-back', 'verification', { failure }), []],
    ['rolled back as asked', result('rolled-back', 'succeeded'), []],
    ['rolled back after a failure', result('rolled-back', 'succeeded', { failure }), []],
    ['rollback incomplete', result('needs-human', 'rollback-incomplete', { failure }), turned],
    ['in doubt', result('needs-human', 'in-doubt', { failure, doubt: 'Right hand' }), half],
    [
      'in doubt past the pivot',
      result('needs-human', 'in-doubt', { failure }),
      [...half, { type: 'pivoted', because: '' }],
    ],
    ['stopped', result('open', 'interrupted', { doubt: 'Right hand' }), half],
    ['stopped on the way back', result('open', 'interrupted'), turned],
    [
      'stopped without its lock',
      result('open', 'held', { failure: { code: 'held', message: 'it lost its lock' } }),
      half,
    ],
    [
      'stopped because it was closed',
      result('open', 'held', { failure: { code: 'held', message: 'it was closed by op' } }),
      [...half, { type: 'released', by: 'op', reason: 'hung' }],
    ],
  ])('%s', (name, result, entries) => {
    expect(`\n${endingText(result, nightEntries('run', entries))}`).toMatchSnapshot(name)
  })
})

test('the status of open runs', () => {
  const entries = nightEntries('run', half)
  const holder = {
    run: 'R1',
    by: 'op',
    host: 'box',
    pid: 7,
    startTime: 1,
    bootId: 'b',
    since: '2026-02-03T04:12:33.000Z',
  }
  expect(statusText([], { now })).toBe('No open runs.\n')
  expect(`\n${statusText([openRun(entries, null), openRun(nightEntries('run', turned), null)], { now })}`)
    .toMatchInlineSnapshot(`
      "
      R1  Night | shift <b> on house, started 2026-02-03T04:12:33.000Z by op
        ✔ Look "around" (1ms)
        ✔ Left hand (1ms)
        ? Right hand (interrupted: not yet checked whether it took effect)
        · Light the oil
        · Light the gas
        · Burn the bridge
        · Write it down
        Changed and not undone: Left hand
        Perhaps changed: Right hand
        Resume:     runbook resume R1
        Roll back:  runbook rollback R1

      R1  Night | shift <b> on house, started 2026-02-03T04:12:33.000Z by op
        ✔ Look "around" (1ms)
        ✖ Left hand (undo failed: it is stuck)
        ↩ Right hand (undone)
        · Light the oil
        · Light the gas
        · Burn the bridge
        · Write it down
        Perhaps changed: Left hand
        Finish the rollback:  runbook rollback R1
      "
    `)
  expect(`\n${statusText([openRun(entries, holder)], { now })}`).toMatchInlineSnapshot(`
    "
    R1  Night | shift <b> on house, started 2026-02-03T04:12:33.000Z by op
      RUNNING for 3m 40s: pid 7 of op on box, since 2026-02-03T04:12:33.000Z
      ✔ Look "around" (1ms)
      ✔ Left hand (1ms)
      ▸ Right hand (in progress for 3m 40s)
      · Light the oil
      · Light the gas
      · Burn the bridge
      · Write it down
    "
  `)
})

test('the status of a run at work between two steps, and of one that waits for a person', () => {
  const holder = { run: 'R1', by: 'op', host: 'box', pid: 7, startTime: 1, bootId: 'b' } as const
  const running = { ...holder, since: '2026-02-03T04:16:03.000Z' }
  const begun: readonly Entry[] = [intent('look-around'), done('look-around', { file: 'f', fresh: true })]
  const text = statusText([openRun(nightEntries('run', begun), running, 'left-hand')], { now })
  expect(text).toContain('  RUNNING for 10s: pid 7 of op on box, since 2026-02-03T04:16:03.000Z\n')
  expect(text).toContain('  ▸ Left hand (next, or looking before it acts)\n  · Right hand\n')
  const asking = openRun(nightEntries('run', half), running)
  const plan = {
    ...asking.state.plan,
    steps: asking.state.plan.steps.map((step) =>
      step.id === 'right-hand' ? { ...step, effect: 'decide' as const } : step,
    ),
  }
  const waiting = statusText([{ ...asking, state: { ...asking.state, plan } }], { now })
  expect(waiting).toMatch(/^R1 .*\n {2}RUNNING for 10s: .*\n {2}Waits for a person: Right hand\n/)
  expect(waiting).toContain('  ▸ Right hand (waits for a person for 3m 40s)\n')
})

test('the history', () => {
  const line = {
    run: 'R1',
    system: 's',
    runbook: 'night',
    target: 'house',
    mode: 'run',
    startedAt: '2026-02-03T04:12:33.000Z',
    outcome: null,
    released: false,
    sealed: true,
    story: null,
    damage: null,
    past: null,
  } as const
  const measure = { why: null, objectiveSeconds: null, verdict: 'no objective' } as const
  const measures = {
    rto: { ...measure, seconds: 250.4, objectiveSeconds: 300, verdict: 'met' },
    downtime: { ...measure, seconds: 12 },
    rpo: { ...measure, seconds: 90_000, objectiveSeconds: 86_400, verdict: 'missed' },
    dataAsOf: null,
  } as const
  const none = { ...measure, seconds: null, why: 'not measured' }
  expect(historyText([], { filtered: true })).toBe('No runs match.\n')
  expect(historyText([])).toBe('No runs yet.\n')
  const older = (more: number) => historyText([line], { more }).split('\n').at(-2)
  expect(older(1)).toBe('1 older run: --all lists every run, --since those since a time.')
  expect(older(99_950)).toBe('99950 older runs: --all lists every run, --since those since a time.')
  expect(
    `\n${historyText([
      line,
      {
        ...line,
        run: 'R2',
        outcome: 'succeeded',
        story: '3.10',
        past: { endedAt: line.startedAt, seconds: 251, exit: 0, measures },
      },
      { ...line, run: 'R3', outcome: 'needs-human' },
      { ...line, run: 'R4', outcome: 'needs-human', released: true },
      {
        ...line,
        run: 'R5',
        mode: 'dry-run',
        outcome: 'foretold',
        past: { endedAt: line.startedAt, seconds: 3, exit: 3, measures: null },
      },
      {
        ...line,
        run: 'R9',
        outcome: 'rolled-back',
        past: {
          endedAt: line.startedAt,
          seconds: 61,
          exit: 10,
          measures: { ...measures, rto: none, rpo: none },
        },
      },
      {
        ...line,
        run: 'R10',
        outcome: 'needs-human',
        past: {
          endedAt: line.startedAt,
          seconds: 61,
          exit: 12,
          measures: {
            ...measures,
            rto: none,
            rpo: none,
            downtime: { ...none, notOver: { since: '2026-02-03T04:12:50.000Z', seconds: 723 } },
          },
        },
      },
      { ...line, run: 'R6', outcome: 'succeeded', sealed: false },
      { ...line, run: 'R7', outcome: 'succeeded', damage: 'entry 3 was altered' },
      { ...line, run: 'R8', outcome: 'needs-human', released: true, sealed: false, damage: undefined },
    ])}`,
  ).toMatchInlineSnapshot(`
    "
    RUN  STARTED                   RUNBOOK  TARGET  OUTCOME                            EXIT  TOOK    DOWNTIME                                        RTO            RPO            STORY
    R1   2026-02-03T04:12:33.000Z  night    house   open
    R2   2026-02-03T04:12:33.000Z  night    house   succeeded                          0     4m 11s  12s                                             4m 10.4s, met  1d 1h, missed  3.10
    R3   2026-02-03T04:12:33.000Z  night    house   needs-human (open)
    R4   2026-02-03T04:12:33.000Z  night    house   released
    R5   2026-02-03T04:12:33.000Z  night    house   dry run                            3     3s
    R9   2026-02-03T04:12:33.000Z  night    house   rolled-back                        10    1m 1s   12s
    R10  2026-02-03T04:12:33.000Z  night    house   needs-human (open)                 12    1m 1s   at least 12m 3s, since 2026-02-03 04:12:50 UTC
    R6   2026-02-03T04:12:33.000Z  night    house   succeeded, not sealed
    R7   2026-02-03T04:12:33.000Z  night    house   damaged journal
    R8   2026-02-03T04:12:33.000Z  night    house   released, not sealed, not checked
    "
  `)
})

test('a dry run', () => {
  const foretold = (step: string, more: object): Entry =>
    ({
      type: 'foretold',
      step,
      notes: [],
      looked: true,
      before: null,
      prediction: null,
      unknown: null,
      ...more,
    }) as unknown as Entry
  const entries = nightEntries('dry-run', [
    foretold('look-around', { says: 'Looks at the lamp.', notes: ['the lamp is out'] }),
    foretold('left-hand', {
      prediction: { output: null, changes: ['the left is \u001b[31mup'], seconds: 5, bytes: null },
    }),
    foretold('right-hand', { looked: false, unknown: 'waits for the look' }),
    foretold('light-the-oil', {
      prediction: { output: null, changes: ['the oil burns'], seconds: 7, bytes: null },
    }),
    { type: 'skipped', step: 'light-the-gas', because: 'only where --lamp is gas, and it is oil' },
    foretold('burn-the-bridge', {
      looked: false,
      prediction: { output: null, changes: [], seconds: null, bytes: null },
    }),
    {
      type: 'preflighted',
      warnings: 1,
      refusals: 1,
      findings: [
        { level: 'refuse', about: 'the oil', problem: 'there is none', hint: 'buy some' },
        { level: 'warn', about: 'the hour', problem: 'it is late', hint: 'sleep' },
      ],
    },
  ])
  expect(`\n${dryRunText(entries, [])}`).toMatchInlineSnapshot(`
    "
    Dry run of Night | shift <b> on house: nothing was changed.

      1. Look "around"  (observed)
         Looks at the lamp.
         · the lamp is out
      2. Left hand  (surveyed, predicted)
         Changes the left.
         → the left is \\u001b[31mup
      3. Right hand  (not known yet)
         Changes ‹after "Look "around""›.
         ? waits for the look
      4. Light the oil  (surveyed, predicted)
         Changes oil.
         → the oil burns
      5. Light the gas  (skipped: only where --lamp is gas, and it is oil)
      6. Burn the bridge  (predicted)
         Destroys the\\u001b[31m bridge.
      7. Write it down  (not reached)
         Changes the book.

    Would change:
      - the left is \\u001b[31mup
      - the oil burns
    Not predictable: Right hand
    Expected duration: at least 12s (predicted by 2 of 5 steps; no successful run yet)
    Warnings:
      warning (the hour): it is late
        hint: sleep
    Blockers:
      refused (the oil): there is none
        hint: buy some
    "
  `)
  expect(dryRunText(entries, [70, 61, 65])).toContain(
    'Expected duration: 1m 5s (median of 3 successful runs)',
  )
})

import { describe, expect, test } from 'vitest'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { drillCalendar, isTimeFor } from '../../../src/run/readiness/drill-calendar.ts'
import type { Target } from '../../../src/model/target.ts'
import { drillsText } from '../../../src/views/drills.ts'
import { journalOf, shop, succeeded } from './healthy.ts'

const now = new Date('2026-03-01T04:00:00Z')
const fits = (): null => null
const only =
  (...names: string[]) =>
  (drill: string): string | null =>
    names.includes(drill) ? null : 'shop lacks backups'

test('without a list of its own a target owes the usual proofs that fit it', async () => {
  const found = await drillCalendar(shop, only('restore-test'), journalOf([]), now)
  expect(found).toEqual([
    {
      drill: 'restore-test',
      everySeconds: 31 * 86_400,
      proof: null,
      failed: null,
      dueAt: null,
      state: 'never',
      why: null,
    },
  ])
})

test('where no throwaway server tests backups, as of SQLite, the search for the newest good one does', async () => {
  const { database: _, ...rest } = shop
  const file = '/srv/shop/shop.db'
  const sqlite: Target = {
    ...rest,
    database: { engine: 'sqlite', name: 'shop', file, confirmPhrase: 'shop', fingerprint: 'rows' },
  }
  const due = async (target: Target, ...runbooks: string[]): Promise<readonly string[]> => {
    const runs = runbooks.map((runbook) => succeeded(runbook, '2026-02-28T05:00:00Z', target))
    const found = await drillCalendar(target, fits, journalOf(runs), now)
    return found.map(({ drill, state }) => `${drill}: ${state}`)
  }
  expect(await due(shop)).not.toContain('find-good-backup: never')
  expect(await due(sqlite)).toContain('find-good-backup: never')
  expect(await due(sqlite, 'find-good-backup')).toContain('find-good-backup: proven')
  expect(await due(sqlite, 'full-db-rollback')).toContain('find-good-backup: proven')
  expect(await due(shop)).toContain('find-good-volume-backup: never')
  expect(await due(shop, 'sqlite-restore')).toContain('find-good-volume-backup: proven')
})

test('a list of its own replaces the usual one, and names what cannot run', async () => {
  const drills = [
    { drill: 'restore-test', everySeconds: 86_400 },
    { drill: 'night-shift', everySeconds: 3600 },
  ]
  const runs = [succeeded('restore-test', '2026-02-28T05:00:00Z')]
  const found = await drillCalendar({ ...shop, drills }, only('restore-test'), journalOf(runs), now)
  expect(found).toMatchObject([
    { drill: 'restore-test', dueAt: '2026-03-01T05:00:00.000Z', state: 'proven', why: null },
    { drill: 'night-shift', proof: null, state: 'blocked', why: 'shop lacks backups' },
  ])
})

describe('a proof counts', () => {
  const drills = [{ drill: 'restore-test', everySeconds: 86_400 }]
  const stateAfter = async (...runs: Parameters<typeof journalOf>[0][number][]) => {
    const [found] = await drillCalendar({ ...shop, drills }, fits, journalOf(runs), now)
    return found?.state
  }
  const recent = succeeded('restore-test', '2026-03-01T03:00:00Z')

  test('to the millisecond of its interval', async () => {
    expect(await stateAfter(succeeded('restore-test', '2026-02-28T04:00:00.000Z'))).toBe('proven')
    expect(await stateAfter(succeeded('restore-test', '2026-02-28T03:59:59.999Z'))).toBe('overdue')
  })

  test('also where another runbook proves the same', async () => {
    expect(await stateAfter(succeeded('full-db-rollback', recent.startedAt))).toBe('proven')
    expect(await stateAfter(succeeded('monthly-spot-restore', recent.startedAt))).toBe('never')
  })

  test.each([
    ['a dry run', { mode: 'dry-run' }],
    ['a run that went back', { outcome: 'rolled-back' }],
    ['a run that is open', { outcome: null }],
    ['a run on another system', { system: 'another' }],
  ] as const)('and not: %s', async (_, more) => {
    expect(await stateAfter({ ...recent, ...more })).toBe('never')
  })
})

describe('a timer runs it', () => {
  const timed = async (everySeconds: number, ...runs: Parameters<typeof journalOf>[0][number][]) => {
    const drills = [{ drill: 'restore-test', everySeconds }]
    const [found] = await drillCalendar({ ...shop, drills }, fits, journalOf(runs), now)
    return isTimeFor(found!, now)
  }
  const day = 86_400
  const at = (hoursAgo: number) => new Date(now.getTime() - hoursAgo * 3_600_000).toISOString()
  const failed = { outcome: 'rolled-back' } as const

  test.each([
    ['never proven', day, [], true],
    ['in date', day, [succeeded('restore-test', at(20))], false],
    ['within a tenth of its interval', day, [succeeded('restore-test', at(22))], true],
    ['within a day of a long interval', 31 * day, [succeeded('restore-test', at(30 * 24 + 1))], true],
    ['two days before a long interval ends', 31 * day, [succeeded('restore-test', at(29 * 24))], false],
    ['failed an hour ago', 31 * day, [{ ...succeeded('restore-test', at(1)), ...failed }], false],
    ['failed a day ago', 31 * day, [{ ...succeeded('restore-test', at(24)), ...failed }], true],
    ['failed an hour ago, of every hour', 3600, [{ ...succeeded('restore-test', at(1)), ...failed }], true],
    ['open', 31 * day, [{ ...succeeded('restore-test', at(1)), outcome: null }], false],
  ] as const)('%s', async (_, everySeconds, runs, expected) => {
    expect(await timed(everySeconds, ...runs)).toBe(expected)
  })

  test('never where it cannot run', async () => {
    const [found] = await drillCalendar(
      { ...shop, drills: [{ drill: 'x', everySeconds: 60 }] },
      only(),
      journalOf([]),
      now,
    )
    expect(isTimeFor(found!, now)).toBe(false)
  })
})

test('a run with damaged entries proves nothing; the one before it does', async () => {
  const older = { ...succeeded('restore-test', '2026-02-20T04:00:00Z'), run: 'older' }
  const newer = { ...succeeded('restore-test', '2026-02-28T04:00:00Z'), run: 'newer' }
  const read = async (run: string) => {
    if (run === 'newer') throw new RunbookError('journal', 'an entry was changed')
    return []
  }
  const [found] = await drillCalendar(shop, only('restore-test'), journalOf([newer, older], { read }), now)
  expect(found?.proof?.run).toBe('older')
  const known = journalOf([newer, older], { damaged: new Map([['newer', 'an entry was changed']]) })
  const [again] = await drillCalendar(shop, only('restore-test'), known, now)
  expect(again?.proof?.run).toBe('older')
})

test('however many newer ones are damaged', async () => {
  const older = { ...succeeded('restore-test', '2026-02-20T04:00:00Z'), run: 'older' }
  const newer = Array.from({ length: 50 }, (_, number) => ({ ...older, run: `newer-${number}` }))
  const damaged = new Map(newer.map(({ run }) => [run, 'an entry was changed']))
  const journal = journalOf([...newer, older], { damaged })
  const [found] = await drillCalendar(shop, only('restore-test'), journal, now)
  expect(found?.proof?.run).toBe('older')
})

test('a journal that cannot be read is no journal without proofs', async () => {
  const read = () => Promise.reject(new Error('the disk failed'))
  const journal = journalOf([succeeded('restore-test', '2026-02-28T04:00:00Z')], { read })
  await expect(drillCalendar(shop, fits, journal, now)).rejects.toThrow('the disk failed')
})

test('the calendar as people read it', async () => {
  const drills = [
    { drill: 'restore-test', everySeconds: 31 * 86_400 },
    { drill: 'monthly-spot-restore', everySeconds: 31 * 86_400 },
    { drill: 'stack-snapshot', everySeconds: 12 * 3600 },
    { drill: 'night-shift', everySeconds: 86_400 },
  ]
  const journal = journalOf([
    {
      ...succeeded('stack-snapshot', '2026-03-01T03:00:00Z'),
      run: 'stack-snapshot-2',
      outcome: 'rolled-back',
    },
    succeeded('stack-snapshot', '2026-02-28T14:30:00Z'),
    succeeded('restore-test', '2026-02-10T04:00:00Z'),
  ])
  const calendar = await drillCalendar(
    { ...shop, drills },
    (drill) => (drill === 'night-shift' ? 'runbook not found' : null),
    journal,
    now,
  )
  const calendars = [
    { target: 'shop', drills: calendar },
    { target: 'bare', drills: [] },
  ]
  expect(drillsText(calendars, now)).toMatchInlineSnapshot(`
    "TARGET  DRILL                 EVERY  LAST PROVEN              BY RUN            DUE                      STATE
    shop    restore-test          31d    2026-02-10 04:00:00 UTC  restore-test-1    2026-03-13 04:00:00 UTC  proven, due in 12 days
    shop    monthly-spot-restore  31d    never                                      now                      never proven
    shop    stack-snapshot        12h    2026-02-28 14:30:00 UTC  stack-snapshot-1  2026-03-01 02:30:00 UTC  overdue for 1 hour; rolled-back on 2026-03-01 03:00:00 UTC (stack-snapshot-2)
    shop    night-shift           1d     never                                      now                      cannot run
    No drill is due on bare: no runbook that proves one fits it.

    Prove it:  runbook run monthly-spot-restore --target shop
    Prove it:  runbook run stack-snapshot --target shop
    night-shift cannot run on shop: runbook not found
    "
  `)
})

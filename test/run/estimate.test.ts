import { describe, expect, it } from 'vitest'
import { defineStep, runbook, type Target, type TargetName } from '../../src/index.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { estimateAtStart, estimator, takenSeconds, type Remaining } from '../../src/run/record/estimate.ts'
import { pastTimesOf, pastTimesOfRun, type PastTimes } from '../../src/run/record/past-times.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { timeLeftAsJson, timeLeftOf } from '../../src/run/record/time-left.ts'
import { fakeMachine, fakeWorld } from '../../src/testing/index.ts'
import { emptyJournal, fakeJournal } from '../../src/testing/journal.ts'
import { holderOf } from '../fixtures/entries.ts'
import {
  down,
  ended,
  failed,
  intent,
  journalOf,
  planWith,
  settled,
  start,
  undoEnded,
  undoIntent,
  up,
} from '../fixtures/told-run.ts'

const plan = planWith([
  { title: 'Choose', effect: 'observe' },
  { title: 'Ask', effect: 'decide' },
  { title: 'Stop', ...down },
  { title: 'Restore' },
  { title: 'Start', ...up },
  { title: 'Clean up', phase: 'lastly' },
])
const preflighted = { type: 'preflighted', findings: [], warnings: 0, refusals: 0 } as const

/** A successful run whose restore takes so many seconds, and everything else one. */
const drill = (seconds: number) =>
  journalOf(plan, [
    [1, preflighted],
    [1, intent('Choose')],
    [2, ended('Choose', { milliseconds: 1000 })],
    [2, intent('Ask')],
    [900, ended('Ask', { milliseconds: 898_000 })],
    [900, intent('Stop')],
    [901, ended('Stop', { milliseconds: 1000 })],
    [901, intent('Restore')],
    [901 + seconds, ended('Restore', { milliseconds: seconds * 1000 })],
    [902 + seconds, intent('Start')],
    [902 + seconds, ended('Start', { milliseconds: 1000 })],
    [903 + seconds, intent('Clean up')],
    [907 + seconds, ended('Clean up', { milliseconds: 4000 })],
    [908 + seconds, settled('succeeded')],
  ])
const drills = (...seconds: readonly number[]): readonly PastTimes[] =>
  seconds.map((one) => pastTimesOf(drill(one)))
const failedDrill = pastTimesOf(
  journalOf(plan, [
    [1, preflighted],
    [1, intent('Stop')],
    [2, ended('Stop', { milliseconds: 1000 })],
    [2, intent('Restore')],
    [5, failed('Restore', 'disk full', { milliseconds: 3000 })],
    [5, { type: 'turned', because: 'disk full', failure: null }],
    [5, undoIntent('Restore')],
    [8, undoEnded('Restore', { milliseconds: 3000 })],
    [8, undoIntent('Stop')],
    [10, undoEnded('Stop', { milliseconds: 2000 })],
    [11, settled('rolled-back')],
  ]),
)

type Told = Parameters<typeof journalOf>[1]
const restoring = [
  [1, preflighted],
  [1, intent('Choose')],
  [2, ended('Choose')],
  [2, intent('Ask')],
  [60, ended('Ask')],
  [60, intent('Stop')],
  [61, ended('Stop')],
  [62, intent('Restore')],
] as const satisfies Told

const at = (told: Told, past: readonly PastTimes[], seconds: number) =>
  estimator(journalOf(plan, told), past)(new Date(start + seconds * 1000))

describe('the time that is left', () => {
  it('is that of the steps until the service is up, without the time of people', () => {
    expect(at([], drills(10, 20, 30), 0)).toEqual({
      until: 'up',
      // Checks, choosing, stopping and starting take a second each.
      rest: { medianSeconds: 24, p90Seconds: 34, runs: 3 },
      back: null,
      answers: 1,
      down: {
        step: expect.objectContaining({ title: 'Stop' }),
        // Stopping, restoring and starting, without what comes before.
        lasts: { medianSeconds: 22, p90Seconds: 32, runs: 3 },
      },
      asks: false,
      late: null,
    })
  })

  it('is less by the time for which the step in progress has run, and leaves out runs that were faster', () => {
    expect(at(restoring, drills(10, 20, 30), 66).rest).toEqual({ medianSeconds: 16, p90Seconds: 26, runs: 3 })
    expect(at(restoring, drills(10, 20, 30), 73).rest).toEqual({ medianSeconds: 14, p90Seconds: 19, runs: 2 })
  })

  it('does not run while a person is waited for', () => {
    const asking = restoring.slice(0, 4)
    expect(at(asking, drills(10), 800)).toMatchObject({
      rest: { medianSeconds: 12 },
      answers: 1,
      asks: true,
      late: null,
    })
  })

  it('names a step that takes longer than it ever did', () => {
    expect(at(restoring, drills(10, 20), 100)).toMatchObject({
      rest: { medianSeconds: 1, p90Seconds: 1, runs: 2 },
      late: 'Restore',
    })
  })

  it('does not for a second more than usual', () => {
    expect(at(restoring, drills(10, 20), 84)).toMatchObject({ rest: { medianSeconds: 1 }, late: null })
    expect(at(restoring, drills(10, 20), 87).late).toBe('Restore')
  })

  it('counts to the end once the service is up', () => {
    const done = [...restoring, [70, ended('Restore')], [71, intent('Start')], [72, ended('Start')]] as const
    expect(at(done, drills(10), 73)).toMatchObject({ until: 'end', rest: { medianSeconds: 3, runs: 1 } })
    const finished = [...done, [75, intent('Clean up')], [76, ended('Clean up')]] as const
    expect(at(finished, drills(10), 77).rest).toBeNull()
  })

  it('is unknown without past runs, of the steps that have none', () => {
    expect(at(restoring, [], 62).rest).toEqual({ unknown: ['Restore', 'Start'] })
    expect(at(restoring, [failedDrill], 62).rest).toEqual({ unknown: ['Restore', 'Start'] })
  })

  it('of a rollback is that of the undos of what was begun', () => {
    const past = [...drills(10), failedDrill]
    expect(at(restoring, past, 62).back).toEqual({ medianSeconds: 5, p90Seconds: 5, runs: 1 })
    expect(at(restoring, drills(10), 62).back).toEqual({
      unknown: ['the undo of Restore', 'the undo of Stop'],
    })
    const turned = [...restoring, [63, { type: 'turned', because: 'asked', failure: null }]] as const
    expect(at([...turned, [63, undoIntent('Restore')]], past, 64)).toMatchObject({
      until: 'end',
      rest: { medianSeconds: 4, runs: 1 },
      answers: 0,
    })
    expect(at([...restoring, [63, { type: 'pivoted', because: 'live' }]], past, 64).back).toBeNull()
  })

  it('takes the slowest of a group, and a step with a condition as it was', () => {
    const grouped = planWith([
      { title: 'One', group: 'both' },
      { title: 'Two', group: 'both' },
      { title: 'Three', ...up },
    ])
    const run = (one: number, two: number) =>
      pastTimesOf(
        journalOf(grouped, [
          [0, intent('One')],
          [0, intent('Two')],
          [one, ended('One', { milliseconds: one * 1000 })],
          [two, ended('Two', { milliseconds: two * 1000 })],
          [two, { type: 'skipped', step: 'three', because: 'not asked' }],
        ]),
      )
    const rest = (told: Told, seconds: number) =>
      estimator(journalOf(grouped, told), [run(10, 20), run(40, 30)])(new Date(start + seconds * 1000)).rest
    expect(rest([[0, preflighted]], 0)).toMatchObject({ medianSeconds: 30, runs: 2 })
    expect(
      rest(
        [
          [0, preflighted],
          [0, intent('One')],
          [0, intent('Two')],
          [12, ended('One')],
        ],
        15,
      ),
    ).toMatchObject({ medianSeconds: 10, runs: 2 })
  })
})

describe('the time left, for programs', () => {
  const left = (told: Told, past: readonly PastTimes[], seconds: number) =>
    timeLeftAsJson(timeLeftOf(journalOf(plan, told), past)(new Date(start + seconds * 1000)))

  it('is that of the objective, and what past runs say of the rest and of a rollback', () => {
    expect(left(restoring, [...drills(10, 20, 30), failedDrill], 66)).toEqual({
      objectiveLeftSeconds: 1734,
      until: 'up',
      rest: { medianSeconds: 16, p90Seconds: 26, runs: 3, unknown: [] },
      rollback: { medianSeconds: 5, p90Seconds: 5, runs: 1, unknown: [] },
      answers: 0,
      late: null,
    })
    expect(left(restoring, [], 62)).toMatchObject({
      rest: { medianSeconds: null, p90Seconds: null, runs: 0, unknown: ['Restore', 'Start'] },
    })
  })

  it('is negative once the objective is missed, and null where the run no longer aims at it', () => {
    expect(left(restoring, [], 1900)['objectiveLeftSeconds']).toBe(-100)
    const turned = [...restoring, [63, { type: 'turned', because: 'asked', failure: null }]] as const
    expect(left(turned, [], 64)['objectiveLeftSeconds']).toBeNull()
    expect(left([...turned, [70, settled('rolled-back')]], [], 71)).toMatchObject({ until: null, rest: null })
  })
})

describe('the times of a past run', () => {
  it('include all attempts and the waits between them', () => {
    const retried = planWith([{ title: 'Fetch', retry: { times: 2, delaySeconds: 5 } }])
    const { forward } = pastTimesOf(
      journalOf(retried, [
        [0, intent('Fetch')],
        [3, failed('Fetch', 'refused', { again: true, milliseconds: 3000 })],
        [8, intent('Fetch')],
        [10, ended('Fetch', { milliseconds: 2000 })],
      ]),
    )
    expect(forward).toEqual(new Map([['fetch', 10_000]]))
  })

  it('leave out what was interrupted', () => {
    const resumed = {
      type: 'resumed',
      way: 'forward',
      by: 'ada',
      host: 'db1',
      orphans: [],
      accepted: null,
    } as const
    const { forward } = pastTimesOf(
      journalOf(plan, [
        [0, intent('Stop')],
        [2, ended('Stop', { milliseconds: 2000 })],
        [3, intent('Restore')],
        [500, resumed],
        [501, intent('Restore')],
        [502, ended('Restore', { milliseconds: 1000 })],
        [502, intent('Start')],
        [900, resumed],
        [901, ended('Start', { result: 'recovered', milliseconds: 10 })],
      ]),
    )
    expect(forward).toEqual(new Map([['stop', 2000]]))
  })
})

/** Numbers between 0 and 1 that depend on the seed only (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A duration around `seconds`: log-normal, as durations of programs are; `spread` is about its relative deviation. */
const noisy = (random: () => number, seconds: number, spread: number): number =>
  seconds * Math.exp(spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))

/** Seconds of each step of the drills. */
const usual: Readonly<Record<string, number>> = {
  'Choose the dump': 6,
  'Compare with live': 20,
  'Restore beside': 240,
  'Assert on the copy': 30,
  'Stop writers': 10,
  Swap: 4,
  'Start writers': 25,
  'Check health': 15,
}

const target: Target = {
  name: 'shop' as TargetName,
  title: 'Shop',
  objectives: { rtoSeconds: 900, rpoSeconds: null },
  settings: {},
}

/** Drills of the real engine, one after another on one journal, each with the past times that it began with. */
async function fiftyDrills(seed: number) {
  const random = seeded(seed)
  const world = fakeWorld({})
  let host = 1
  const wait = defineStep<{ readonly title: string }, null>({
    kind: 'test.wait',
    version: 1,
    effect: 'observe',
    marks: { upAfter: true },
    describe: ({ title }) => `Waits for ${String(title)}.`,
    run: async (_, { title }) => {
      await world.clock.sleep(1000 * host * noisy(random, usual[title] ?? 0, 0.12))
      return null
    },
  })
  const book = runbook('drill', { title: 'Drill', when: 'A test.', needs: [], params: {} }, ({ step }) => {
    for (const title of Object.keys(usual)) step(title, wait({ title }))
  })
  const past: PastTimes[] = []
  const machine = fakeMachine(world, {
    book,
    target,
    around: { estimateOf: async (entries) => estimateAtStart(entries, past.slice(-20)) },
  })
  // What the host has behind it.
  const before = 20
  const runs: { readonly entries: readonly Stored[]; readonly past: readonly PastTimes[] }[] = []
  for (let count = 0; count < before + 50; count += 1) {
    // Some days the whole host is slower.
    host = noisy(random, 1, 0.05)
    await machine.run()
    runs.push({ entries: machine.entries, past: past.slice(-20) })
    past.push(pastTimesOf(machine.entries))
  }
  return runs.slice(before)
}

const known = (rest: Remaining | null) => {
  if (rest === null || 'unknown' in rest) throw new Error('nothing is known')
  return rest
}

/** The value that nine of ten do not exceed. */
const ninetieth = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.ceil(values.length * 0.9) - 1] ?? Number.NaN

const upAt = (entries: readonly Stored[]): number =>
  Date.parse(entries.findLast(({ entry }) => entry.type === 'ended')?.at ?? '')

/** The number of entries up to the end of the n-th step. */
function afterStep(entries: readonly Stored[], steps: number): number {
  let ends = 0
  return 1 + entries.findIndex(({ entry }) => entry.type === 'ended' && ++ends === steps)
}

describe('fifty drills with seeded noise', () => {
  /** At the start, and after the first steps, the long restore among them. */
  const moments = [0, 1, 2, 3]

  it.each([1, 2, 3])(
    'seed %i: end within a fifth of the estimate at the ninetieth percentile',
    async (seed) => {
      const runs = await fiftyDrills(seed)
      expect(runs).toHaveLength(50)
      for (const moment of moments) {
        const scores = runs.map(({ entries, past }) => {
          const told = entries.slice(0, moment === 0 ? 1 : afterStep(entries, moment))
          const now = new Date(told.at(-1)?.at ?? '')
          const left = (upAt(entries) - now.getTime()) / 1000
          return { left, ...known(estimator(told, past)(now).rest) }
        })
        expect(
          ninetieth(scores.map(({ left, medianSeconds }) => Math.abs(left - medianSeconds) / left)),
        ).toBeLessThan(0.2)
        // About nine of ten end within the ninetieth percentile, and it is not far from the real one.
        const share = scores.filter(({ left, p90Seconds }) => left <= p90Seconds).length / scores.length
        expect(share).toBeGreaterThanOrEqual(0.8)
        expect(share).toBeLessThan(1)
        const real = ninetieth(scores.map(({ left }) => left))
        const shown = scores.reduce((sum, { p90Seconds }) => sum + p90Seconds, 0) / scores.length
        expect(Math.abs(shown - real) / real).toBeLessThan(0.2)
      }
    },
  )

  it('leave the score in the record of each run', async () => {
    const [last] = (await fiftyDrills(1)).slice(-1)
    const { estimate, measures } = recordOf(last?.entries ?? [])
    expect(estimate).toMatchObject({ runs: 20 })
    expect(estimate?.takenSeconds).toBeCloseTo(measures.rto.seconds ?? 0, 1)
    expect(takenSeconds(journalOf(plan, restoring))).toBeNull()
  })
})

describe('past times', () => {
  it('are those of real runs of this runbook on this target and host', async () => {
    const journal = fakeJournal(emptyJournal())
    const told = drill(10).map(({ entry }) => entry)
    const write = async (run: string, change: (opened: Stored['entry']) => Stored['entry']) => {
      const hold = await journal.hold('shop', holderOf(run))
      for (const [index, entry] of told.entries())
        await journal.append(hold, run, index === 0 ? change(entry) : entry)
      await hold.release()
    }
    await write('good', (entry) => entry)
    await write('other-host', (entry) => ({ ...entry, host: 'db2' }) as Stored['entry'])
    await write('dry', (entry) => ({ ...entry, mode: 'dry-run' }) as Stored['entry'])
    await write('this', (entry) => entry)
    const found = await pastTimesOfRun(journal, await journal.read('this'))
    expect(found.map(({ forward }) => forward.get('restore'))).toEqual([10_000])
  })
})

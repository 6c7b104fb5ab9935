import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/run/journal/entry.ts'
import { measuresOf } from '../../src/run/record/measures.ts'
import { runStatusOf } from '../../src/run/record/run-status.ts'
import {
  after,
  down,
  ended,
  failed,
  intent,
  journalOf,
  planWith,
  settled,
  undoEnded,
  undoIntent,
  up,
} from '../fixtures/told-run.ts'

const plan = planWith([
  { title: 'Choose', effect: 'observe' },
  { title: 'Stop writers', ...down },
  { title: 'Swap' },
  { title: 'Start writers', ...up },
  { title: 'Check health', effect: 'observe', ...up },
])
const began = [
  [1, intent('Choose')],
  [2, ended('Choose')],
  [60, intent('Stop writers')],
  [62, ended('Stop writers')],
  [70, intent('Swap')],
] as const
const swapped = [...began, [80, ended('Swap', { dataAsOf: after(-3600) })]] as const
const started = [...swapped, [90, intent('Start writers')], [100, ended('Start writers')]] as const
const wellDone = [
  ...started,
  [101, intent('Check health')],
  [120, ended('Check health')],
  [130, settled('succeeded')],
] as const

const seconds = (told: Parameters<typeof journalOf>[1], of = plan) => {
  const { rto, downtime, rpo } = measuresOf(journalOf(of, told))
  return [rto, downtime, rpo].map((measure) => measure.seconds ?? measure.why)
}

describe('measuring a run', () => {
  it('takes the recovery time to the last sign of life, the downtime to the first, and the loss from the age of the data', () => {
    const measures = measuresOf(journalOf(plan, wellDone))
    expect(measures).toEqual({
      rto: { seconds: 120, why: null, objectiveSeconds: 1800, verdict: 'met' },
      downtime: { seconds: 40, why: null, objectiveSeconds: null, verdict: 'no objective' },
      rpo: { seconds: 3660, why: null, objectiveSeconds: 86_400, verdict: 'met' },
      dataAsOf: after(-3600),
    })
  })

  it('says when an objective was missed, and when it was met to the second', () => {
    const verdict = (rtoSeconds: number) =>
      measuresOf(
        journalOf(
          planWith(plan.steps, { target: { objectives: { rtoSeconds, rpoSeconds: null } } }),
          wellDone,
        ),
      ).rto.verdict
    expect([verdict(119), verdict(120)]).toEqual(['missed', 'met'])
  })

  it('knows no recovery while a sign of life is outstanding', () => {
    expect(seconds(started)).toEqual(['"Check health" has not succeeded', 40, 3660])
  })

  it('does not wait for a step that was skipped', () => {
    expect(
      seconds([...started, [101, { type: 'skipped', step: 'check-health', because: 'only where …' }]])[0],
    ).toBe(100)
  })

  it('measures through a crash: attempts of another process count by the clock on the wall', () => {
    const crashed = [
      ...swapped,
      [90, intent('Start writers')],
      [400, { type: 'resumed', way: 'forward', by: 'ada', host: 'db1', orphans: [], accepted: null }],
      [410, ended('Start writers', { attempt: 2, result: 'recovered', milliseconds: null })],
      [411, intent('Check health')],
      [420, ended('Check health')],
    ] as const
    expect(seconds(crashed)).toEqual([420, 350, 3660])
  })

  it('ends the downtime of a run that went back with the undo of what took the service down', () => {
    const back = [
      ...began,
      [80, failed('Swap', 'no space')],
      [81, { type: 'turned', because: 'no space', failure: null }],
      [82, undoIntent('Swap')],
      [85, undoEnded('Swap')],
      [86, undoIntent('Stop writers')],
      [95, undoEnded('Stop writers')],
      [96, settled('rolled-back', 'no space')],
    ] as const
    expect(seconds(back)).toEqual([
      'the run was rolled back, so it recovered nothing',
      35,
      'this run restored no data',
    ])
  })

  it('counts both times a service was down: forward, and again while the step that started it is taken back', () => {
    const back = [
      ...started,
      [110, failed('Check health', '500')],
      [111, { type: 'turned', because: '500', failure: null }],
      [112, undoIntent('Start writers')],
      [115, undoEnded('Start writers')],
      [116, undoIntent('Swap')],
      [120, undoEnded('Swap')],
      [121, undoIntent('Stop writers')],
      [142, undoEnded('Stop writers')],
    ] as const
    expect(seconds(back)).toEqual([
      'the run was rolled back, so it recovered nothing',
      40 + 30,
      'this run restored no data',
    ])
    expect(measuresOf(journalOf(plan, back)).dataAsOf).toBeNull()
  })

  it('knows no recovery point of a run that went back, though its dump had one', () => {
    const back = [
      [1, intent('Choose')],
      [2, ended('Choose', { dataAsOf: after(-60) })],
      [80, failed('Swap', 'no space')],
      [81, { type: 'turned', because: 'no space', failure: null }],
      [96, settled('rolled-back', 'no space')],
    ] as const
    expect(seconds(back)[2]).toBe('the run was rolled back, and the restored data with it')
  })

  it('has restored no data that it only chose', () => {
    const chosen = [
      [1, intent('Choose')],
      [2, ended('Choose', { dataAsOf: after(-60) })],
    ] as const
    expect(seconds(chosen)[2]).toBe('this run restored no data')
    expect(measuresOf(journalOf(plan, chosen)).dataAsOf).toBeNull()
  })

  it('does not know the downtime of a service that was not seen to come up', () => {
    expect(seconds(swapped)[1]).toBe('the service was not confirmed up again')
    const stuck = [
      ...began,
      [81, { type: 'turned', because: 'x', failure: null }],
      [86, undoIntent('Stop writers')],
      [95, undoEnded('Stop writers', { result: 'failed', failure: { code: 'failed', message: 'x' } })],
    ] as const
    expect(seconds(stuck)[1]).toBe('the service was not confirmed up again')
  })

  it('says since when it is down and how long at least, until the run itself last saw it', () => {
    const late = [...swapped, [4000, { type: 'released', by: 'ada', reason: 'by hand' }]] as const
    expect(measuresOf(journalOf(plan, late)).downtime).toEqual({
      seconds: null,
      why: 'the service was not confirmed up again',
      notOver: { since: after(60), seconds: 20 },
      objectiveSeconds: null,
      verdict: 'no objective',
    })
    const died = [
      ...began.slice(0, 2),
      [300, { ...settled('needs-human', 'x'), down: { place: 'shop/db', since: after(100) } } as Entry],
    ] as const
    expect(measuresOf(journalOf(plan, died)).downtime.notOver).toEqual({ since: after(100), seconds: 200 })
    // Nothing of this plan would have confirmed that it is up.
    const unseen = planWith([{ title: 'Stop writers', ...down }])
    expect(measuresOf(journalOf(unseen, began.slice(2, 4))).downtime.notOver).toBeUndefined()
  })

  it('counts from the ending of a step that was found done, since nothing began', () => {
    const told = [
      [30, ended('Stop writers', { result: 'already' })],
      [40, intent('Swap')],
      [50, ended('Swap')],
      [60, ended('Start writers')],
      [70, ended('Check health')],
    ] as const
    expect(seconds(told)[1]).toBe(30)
  })

  it('never gives a negative time, and never zero for want of a measurement', () => {
    expect(
      seconds([
        [60, intent('Stop writers')],
        [50, ended('Start writers')],
        [-5, ended('Check health')],
      ]),
    ).toEqual([
      'the clock was set back during the run',
      'the clock was set back during the run',
      'the clock was set back during the run',
    ])
    expect(
      seconds([
        [60, intent('Stop writers')],
        [59.5, ended('Start writers')],
      ])[1],
    ).toBe('the clock moved back slightly during the run')
    const later = [...began, [80, ended('Swap', { dataAsOf: after(61) })]] as const
    expect(seconds(later)[2]).toBe('the data is newer than the start of the downtime')
    expect(seconds([...began, [80, ended('Swap', { dataAsOf: 'yesterday' })]])[2]).toBe(
      'yesterday is not a valid time',
    )
    const unmarked = planWith([{ title: 'Look', effect: 'observe' }])
    expect(
      seconds(
        [
          [1, intent('Look')],
          [2, ended('Look')],
        ],
        unmarked,
      ),
    ).toEqual([
      'no step of this run marks the service as up',
      'no step of this runbook takes the service down',
      'this run restored no data',
    ])
  })

  it('was never down where the run ended before that', () => {
    expect(
      seconds([
        [1, intent('Choose')],
        [2, failed('Choose', 'no dump')],
      ])[1],
    ).toBe(0)
  })

  it('measures nothing in a dry run', () => {
    const { rto, dataAsOf } = measuresOf(journalOf(plan, [], { mode: 'dry-run' }))
    expect([rto, dataAsOf]).toEqual([
      { seconds: null, why: 'a dry run measures nothing', objectiveSeconds: 1800, verdict: 'unknown' },
      null,
    ])
  })
})

describe('how a run stands, for the steps that tell of it', () => {
  const told = planWith([...plan.steps, { title: 'Log the result', phase: 'lastly' }])

  it('is the outcome once only they are left, and running before', () => {
    expect(runStatusOf(journalOf(told, started))).toMatchObject({ outcome: 'running', rtoSeconds: null })
    expect(runStatusOf(journalOf(told, wellDone.slice(0, -1)))).toEqual({
      outcome: 'succeeded',
      failure: null,
      rtoSeconds: 120,
      downtimeSeconds: 40,
      rpoSeconds: 3660,
    })
  })

  it('tells of a way back with its reason', () => {
    const failure = { code: 'failed', message: 'no space' } as const
    const back = [
      ...began,
      [80, failed('Swap', 'no space')],
      [81, { type: 'turned', because: 'no space', failure }],
      [82, undoIntent('Swap')],
      [85, undoEnded('Swap')],
      [86, undoIntent('Stop writers')],
      [95, undoEnded('Stop writers')],
    ] as const
    expect(runStatusOf(journalOf(told, back))).toMatchObject({
      outcome: 'rolled-back',
      failure: 'no space',
      downtimeSeconds: 35,
    })
  })
})

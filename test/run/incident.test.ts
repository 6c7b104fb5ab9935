import { describe, expect, it } from 'vitest'
import { incidentOf, type IncidentRun } from '../../src/run/record/incident.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { incidentFilesOf } from '../../src/views/files.ts'
import { hostile, hostileRun } from '../fixtures/hostile.ts'
import { badRun, dryRun, goodRun } from '../fixtures/runs.ts'
import {
  after,
  down,
  ended,
  intent,
  journalOf,
  planWith,
  settled,
  undoEnded,
  undoIntent,
  up,
} from '../fixtures/told-run.ts'

const plan = (params = {}) =>
  planWith(
    [
      { title: 'Stop', ...down },
      { title: 'Start', ...up },
    ],
    { params },
  )
const seen = (...args: Parameters<typeof journalOf>): IncidentRun => ({
  record: recordOf(journalOf(...args)),
  defects: [],
})

/** Down from 10 to 40 s after its beginning. */
const recovered = (begins: number, params = {}): IncidentRun =>
  seen(plan(params), [
    [begins, { type: 'preflighted', findings: [], warnings: 0, refusals: 0 }],
    [begins + 10, intent('Stop')],
    [begins + 20, ended('Stop')],
    [begins + 30, intent('Start')],
    [begins + 40, ended('Start')],
    [begins + 50, settled('succeeded')],
  ])
const rolledBack = (begins: number): IncidentRun =>
  seen(plan(), [
    [begins + 10, intent('Stop')],
    [begins + 20, ended('Stop')],
    [begins + 21, { type: 'turned', because: 'broken', failure: null }],
    [begins + 22, undoIntent('Stop')],
    [begins + 30, undoEnded('Stop')],
    [begins + 40, settled('rolled-back')],
  ])
const onlyChecks = (begins: number): IncidentRun =>
  seen(planWith([{ title: 'Check', ...up }]), [
    [begins + 1, intent('Check')],
    [begins + 5, ended('Check')],
    [begins + 6, settled('succeeded')],
  ])

const target = (runs: readonly IncidentRun[], alarm: string | null = after(-60)) =>
  incidentOf(runs, alarm).targets[0]

describe('an incident', () => {
  it('lasts from the alarm until the service is up after the last time that it was taken down', () => {
    expect(target([rolledBack(0), recovered(100)])).toMatchObject({
      target: 'shop',
      outages: [
        { from: after(10), to: after(30) },
        { from: after(110), to: after(140) },
      ],
      upAt: after(140),
      rto: { seconds: 200, objectiveSeconds: 1800, verdict: 'met' },
      downtime: { seconds: 50 },
    })
  })

  it('is not over because a run was rolled back', () => {
    expect(target([rolledBack(0)])).toMatchObject({
      upAt: null,
      rto: { seconds: null, why: 'no run brought the service up' },
    })
  })

  it('does not last until a run that only confirms that the service is up', () => {
    expect(target([recovered(0), onlyChecks(500)])?.upAt).toBe(after(40))
    expect(target([onlyChecks(500)])?.upAt).toBe(after(505))
  })

  it('is over again after a later run that was rolled back to what had been recovered', () => {
    expect(target([recovered(0), rolledBack(100)])?.upAt).toBe(after(130))
  })

  it('is missed where it lasted longer than the objective', () => {
    expect(target([recovered(0)], after(-1800))?.rto).toMatchObject({ seconds: 1840, verdict: 'missed' })
  })

  it('began with the earliest time that a run was given, where nobody says when the alarm was', () => {
    const runs = [recovered(0, { badSince: after(-100) }), recovered(100, { badSince: after(-300) })]
    expect(incidentOf(runs, null)).toMatchObject({ alarm: after(-300), alarmFrom: 'runs' })
    expect(incidentOf([recovered(0)], null)).toMatchObject({
      alarm: null,
      targets: [{ upAt: after(40), rto: { seconds: null, why: 'the time of the alarm is not known' } }],
    })
  })

  it.each([
    ['does not verify', { ...rolledBack(100), defects: ['chain-broken'] }],
    ['is missing', { record: null, defects: ['not-sealed'] }],
  ])('has no times where the evidence of a run %s: nobody knows what that one did', (_, unseen) => {
    const why = 'the evidence of 1 run is not verified'
    expect(target([recovered(0), unseen])).toMatchObject({
      upAt: null,
      rto: { seconds: null, why, verdict: 'unknown' },
      downtime: { seconds: null, why },
    })
  })

  it('knows the order of what happened, and who answered', () => {
    const { moments } = incidentOf([{ record: recordOf(goodRun()), defects: [] }], after(-60))
    expect(moments.map(({ what }) => what)).toEqual([
      'alarm',
      'started',
      'approved',
      'down',
      'resumed',
      'up',
      'pivoted',
      'ended',
    ])
    expect(moments[2]?.says).toBe('Ask the operator: ada')
  })

  it('takes nothing down in a dry run', () => {
    expect(incidentOf([{ record: recordOf(dryRun()), defects: [] }], null).targets).toEqual([])
  })
})

describe('the page of an incident', () => {
  const filed = (
    folder: string,
    entries: Parameters<typeof recordOf>[0],
    defects: readonly string[] = [],
  ) => ({
    folder,
    record: recordOf(entries),
    defects,
  })

  it('says the same as its Markdown', async () => {
    const runs = [filed('../_/2026-02-03-a', badRun()), filed('../_/2026-02-03-b', goodRun())]
    const [text, page] = incidentFilesOf('the third of February', runs, after(-120))
    await expect(text?.body).toMatchFileSnapshot('../views/reports/incident.md')
    await expect(page?.body).toMatchFileSnapshot('../views/reports/incident.html')
  })

  it('has no markup of anybody else', () => {
    const text = hostile.join(' ')
    for (const { body } of incidentFilesOf(
      text,
      [filed('x', hostileRun()), filed('y', hostileRun(), [text])],
      null,
    )) {
      const outside = body.replaceAll(/(?<![\\`])(`+)(?!`)(?:.*?[^`])\1(?!`)/g, '')
      expect(outside).not.toMatch(/<(script|img)/)
      expect(body).not.toContain('\u202e')
    }
  })
})

import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DrillStanding } from '../../../src/run/readiness/drill-calendar.ts'
import {
  controls,
  provenControls,
  provesNoControl,
  type FiledRecord,
} from '../../../src/run/readiness/controls.ts'
import { recordOf } from '../../../src/run/record/record.ts'
import { controlsAsJson, controlsAsMarkdown } from '../../../src/views/controls.ts'
import { hostile, hostileRun } from '../../fixtures/hostile.ts'
import { badRun, dryRun, goodRun } from '../../fixtures/runs.ts'

const filed = (folder: string, entries: Parameters<typeof recordOf>[0]): FiledRecord => ({
  folder,
  record: recordOf(entries),
})
const overdue: DrillStanding = {
  drill: 'restore-test',
  everySeconds: 86_400,
  proof: null,
  failed: null,
  dueAt: '2026-02-01T00:00:00.000Z',
  state: 'overdue',
  why: null,
}
const never: DrillStanding = { ...overdue, drill: 'quarterly-full-drill', dueAt: null, state: 'never' }
const runsOf = (runs: readonly FiledRecord[]) =>
  provenControls(runs, []).map(({ control, proofs }) => [
    control.id,
    proofs.flatMap((proof) => proof.runs.map(({ evidence }) => evidence)),
  ])

describe('the proof of a control', () => {
  it('is a run that succeeded: none that failed, and no dry run', () => {
    expect(runsOf([filed('good', goodRun()), filed('bad', badRun()), filed('dry', dryRun())])).toEqual([
      ['A.8.13', ['good']],
      ['A.5.29', ['good']],
      ['A1.2', []],
      ['A1.3', ['good']],
    ])
  })

  it('has gaps: what is overdue or was never proven, in the controls that it counts for', () => {
    const found = provenControls(
      [],
      [{ target: 'shop', drills: [overdue, never, { ...never, state: 'proven' }] }],
    )
    expect(found.map(({ control, gaps }) => [control.id, gaps.map(({ drill }) => drill)])).toEqual([
      ['A.8.13', ['restore-test', 'quarterly-full-drill']],
      ['A.5.29', ['quarterly-full-drill']],
      ['A1.2', ['restore-test']],
      ['A1.3', ['restore-test', 'quarterly-full-drill']],
    ])
  })

  it('is decided for every runbook of the program', () => {
    const decided = [
      ...provesNoControl,
      ...controls.flatMap(({ proofs }) => proofs.flatMap(({ runbooks }) => runbooks)),
    ]
    const all = globSync('runbooks/*.ts').map((file) => basename(file, '.ts'))
    expect(all.length).toBeGreaterThan(20)
    expect([...new Set(decided)].sort()).toEqual(all.sort())
  })
})

describe('the export', () => {
  const found = {
    at: '2026-02-04T00:00:00.000Z',
    since: null,
    controls: provenControls([filed('_/good', goodRun())], [{ target: 'shop', drills: [overdue, never] }]),
    unverified: [{ folder: '_/open', why: 'not-sealed' }],
    unlisted: [{ runbook: 'our-own', runs: 2 }],
  }

  it('names proofs, gaps, and what proves nothing', async () => {
    await expect(controlsAsMarkdown(found)).toMatchFileSnapshot('../../views/reports/controls.md')
    expect(JSON.parse(controlsAsJson(found))).toMatchObject({
      controls: [{ control: 'A.8.13', proven: true }, {}, { control: 'A1.2', proven: false }, {}],
      unverified: [{ folder: '_/open', why: 'not-sealed' }],
    })
  })

  it('has no markup of anybody else', () => {
    const text = hostile.join(' ')
    const body = controlsAsMarkdown({
      ...found,
      controls: provenControls(
        [{ folder: text, record: { ...recordOf(hostileRun()), outcome: 'succeeded' } }],
        [{ target: text, drills: [{ ...never, state: 'blocked', why: text }] }],
      ),
      unverified: [{ folder: text, why: text }],
      unlisted: [{ runbook: text, runs: 1 }],
    })
    const outside = body.replaceAll(/(?<![\\`])(`+)(?!`)(?:.*?[^`])\1(?!`)/g, '')
    expect(outside).not.toMatch(/<(script|img)|\]\(javascript/)
  })
})

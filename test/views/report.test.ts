import { describe, expect, it } from 'vitest'
import { recordOf } from '../../src/run/record/record.ts'
import { reportOf } from '../../src/views/report.ts'
import { hostileRun } from '../fixtures/hostile.ts'
import { badRun, dryRun, goodRun } from '../fixtures/runs.ts'
import type { Entry } from '../../src/run/journal/entry.ts'
import {
  ended,
  intent,
  journalOf,
  planWith,
  settled,
  undoEnded,
  undoIntent,
  up,
} from '../fixtures/told-run.ts'

describe('the report that a reviewer reads', () => {
  it('of a run that went well, over a crash in the middle', async () => {
    await expect(reportOf(recordOf(goodRun()))).toMatchFileSnapshot('reports/succeeded.md')
  })

  it('of a run that failed, and did not come back all the way', async () => {
    await expect(reportOf(recordOf(badRun()))).toMatchFileSnapshot('reports/needs-human.md')
  })

  it('of a dry run', async () => {
    await expect(reportOf(recordOf(dryRun()))).toMatchFileSnapshot('reports/dry-run.md')
  })

  it('does not end where a run is open', () => {
    const open = recordOf(journalOf(planWith([{ title: 'Stop writers' }]), [[1, intent('Stop writers')]]))
    const report = reportOf(open)
    expect(report).toContain('| Result | **not settled** |')
    expect(report).toContain('| To | not finished |')
    expect(report).toContain('**In doubt, check the target:**\n\n- Stop writers')
  })

  it('says what the run was asked with; of a secret, where it is read', () => {
    const params = {
      badSince: '2026-02-03T04:00:00.000Z',
      dump: null,
      strategy: 'in | place',
      force: true,
      token: { secret: 'token', from: { env: 'API_TOKEN' } },
      key: { secret: 'key', from: { file: '/run/secrets/key' } },
    }
    const report = reportOf(recordOf(journalOf(planWith([{ title: 'Stop writers' }], { params }), [])))
    expect(report).toContain(
      [
        '## Parameters',
        '',
        '| Parameter | Value |',
        '| --- | --- |',
        '| `--bad-since` | `2026-02-03T04:00:00.000Z` |',
        '| `--dump` | not given |',
        '| `--strategy` | `in \\| place` |',
        '| `--force` | `true` |',
        '| `--token` | `env:API_TOKEN` |',
        '| `--key` | `file:/run/secrets/key` |',
      ].join('\n'),
    )
  })

  it('compares the rows of data that was exchanged, and says where that was undone', () => {
    const rows = {
      before: [
        { table: 'gone', rows: 3 },
        { table: 'orders', rows: 5 },
        { table: 'same', rows: 1 },
      ],
      after: [
        { table: 'new', rows: 2 },
        { table: 'orders', rows: 7 },
        { table: 'same', rows: 1 },
      ],
    }
    const plan = planWith([{ title: 'Swap' }])
    const done = [[1, intent('Swap')] as const, [2, ended('Swap', { rows })] as const]
    expect(reportOf(recordOf(journalOf(plan, done)))).toContain(
      [
        '## Data before and after',
        '',
        'Swap:',
        '',
        '| Table | Rows before | Rows after | Difference |',
        '| --- | --- | --- | --- |',
        '| `gone` | 3 | **not there** | -3 |',
        '| `new` | not there | 2 | +2 |',
        '| `orders` | 5 | 7 | +2 |',
        '',
        '1 other table has as many rows as before. Updated rows are not counted.',
      ].join('\n'),
    )
    const undo = [[3, undoIntent('Swap')] as const, [4, undoEnded('Swap')] as const]
    expect(reportOf(recordOf(journalOf(plan, [...done, ...undo])))).toContain('Swap, which was undone:')
    expect(reportOf(recordOf(journalOf(plan, [[1, intent('Swap')]])))).not.toContain('## Data before')
  })

  it('compares what past runs estimated with what the run took', () => {
    const plan = planWith([{ title: 'Restore', ...up }])
    const report = (milliseconds: number | null) =>
      reportOf(
        recordOf(
          journalOf(plan, [
            [2, { type: 'preflighted', findings: [], warnings: 0, refusals: 0 }],
            [2, intent('Restore')],
            [72, ended('Restore', { milliseconds })],
            [
              73,
              { ...settled('succeeded'), estimate: { medianSeconds: 61, p90Seconds: 70, runs: 12 } } as Entry,
            ],
          ]),
        ),
      )
    const row = (took: string, verdict: string) =>
      `| Time of the steps, as past runs estimated it | ${took} | 1m 1s, 90 %: 1m 10s (12 past runs) | ${verdict} |`
    expect(report(66_000)).toContain(row('1m 8s', 'as estimated'))
    expect(report(70_000)).toContain(row('1m 12s', 'longer than estimated'))
    expect(report(null)).toContain(row('unknown: not all succeeded without an interruption', 'unknown'))
  })

  it('cuts a long output, and says that the record has it whole', () => {
    const run = journalOf(planWith([{ title: 'List' }]), [
      [1, intent('List')],
      [2, ended('List', { output: Array.from({ length: 500 }, (_, index) => index) })],
    ])
    expect(reportOf(recordOf(run))).toMatch(/\n {2}58,\n… 442 more lines in run\.json\n```/)
  })
})

describe('output that was made to mislead', () => {
  const report = reportOf(recordOf(hostileRun()))

  it('leaves nothing that steers a terminal, hides or reorders text', () => {
    expect(report).not.toMatch(
      // oxlint-disable-next-line no-control-regex
      /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u{e0000}-\u{e0fff}\p{Surrogate}]/u,
    )
  })

  it('leaves the headings and tables as they are', () => {
    const outside = report.replaceAll(/^(`{3,})[a-z]*\n.*?\n\1$/gms, '')
    const headings = outside.split('\n').filter((line) => line.startsWith('#'))
    expect(headings.slice(1)).toEqual([
      '## Provenance',
      '## Failure',
      '## What changed',
      '## Steps',
      '## Predictions',
      '## Preflight findings',
      '## Interruptions and rollbacks',
      '## How to verify',
      '## Step outputs',
    ])
    for (const row of outside.split('\n').filter((line) => line.startsWith('| 1 |')))
      expect(cells(row)).toHaveLength(7)
    for (const row of outside.split('\n').filter((line) => line.startsWith('| Who |')))
      expect(cells(row)).toHaveLength(2)
  })

  it('leaves no markup, no link and no HTML outside of code', () => {
    const outside = report
      .replaceAll(/^(`{3,})[a-z]*\n.*?\n\1$/gms, '')
      .replaceAll(/(?<![\\`])(`+)(?!`)(?:.*?[^`])\1(?!`)/g, '')
    expect(outside).not.toMatch(/<[a-z!/]/i)
    expect(outside).not.toMatch(/(?<!\\)\]\(/)
    expect(outside).not.toMatch(/https?:/)
  })
})

/** As GFM splits a row: at every bar that no single backslash stands before. */
const cells = (row: string): readonly string[] =>
  row
    .replaceAll(/\\[\\|]/g, '')
    .split('|')
    .slice(1, -1)

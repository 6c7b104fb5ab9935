import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { recordOf } from '../../src/run/record/record.ts'
import { fragment } from '../../src/views/html/template.ts'
import { pageOf, storyPageOf } from '../../src/views/page.ts'
import { reportOf } from '../../src/views/report.ts'
import { hostile, hostileRun } from '../fixtures/hostile.ts'
import { badRun, dryRun, earlierRun, goodRun } from '../fixtures/runs.ts'
import { down, ended, intent, journalOf, planWith, settled, up } from '../fixtures/told-run.ts'

describe('the page that a reviewer opens', () => {
  it('of a run that went well, over a crash in the middle', async () => {
    await expect(pageOf(recordOf(goodRun()))).toMatchFileSnapshot('reports/succeeded.html')
  })

  it('of a run that failed, and did not come back all the way', async () => {
    await expect(pageOf(recordOf(badRun()))).toMatchFileSnapshot('reports/needs-human.html')
  })

  it('of a dry run', async () => {
    await expect(pageOf(recordOf(dryRun()))).toMatchFileSnapshot('reports/dry-run.html')
  })

  it('of a story', async () => {
    const page = storyPageOf('3.10', [
      { folder: '2026-02-03-b', record: recordOf(goodRun()), defects: [] },
      { folder: '2026-02-03-a(1)|<b>', record: recordOf(badRun()), defects: ['signature-wrong'] },
      { folder: '2026-02-04-c', record: null, defects: ['file-missing (run.json)'] },
    ])
    await expect(page).toMatchFileSnapshot('reports/story.html')
    expect(page).toContain('href="2026-02-03-a%281%29%7C%3Cb%3E/report.html"')
  })

  it.each([
    ['the record of a run', () => pageOf(recordOf(hostileRun()))],
    ['the names of a story', () => storyPageOf(text, [{ folder: text, record: null, defects: [text] }])],
  ])('contains %s as text, whatever it is', (_, rendered) => {
    const page = rendered()
    const tags = new Set(Array.from(page.matchAll(/<\/?([a-z!][^\s>/]*)/gi), ([, name]) => name))
    expect([...tags].filter((name) => !ours.has(String(name)))).toEqual([])
    // Every attribute is one of ours, and ends where it should.
    const attributes = Array.from(page.matchAll(/<[a-z][^>]*>/gi), ([tag]) => tag).flatMap((tag) =>
      Array.from(
        tag.matchAll(/\s([^\s=]+)=("[^"]*")?/g),
        ([, name, value]) => `${name}${value === undefined ? ' unquoted' : ''}`,
      ),
    )
    expect([...new Set(attributes)].filter((name) => !allowed.has(name))).toEqual([])
    const links = Array.from(page.matchAll(/href="([^"]*)"/g), ([, href = '']) => href)
    expect(links.filter((href) => /^([a-z]+:|\/)/i.test(href))).toEqual([])
    expect(page).not.toMatch(
      // oxlint-disable-next-line no-control-regex
      /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u{e0000}-\u{e0fff}\p{Surrogate}]/u,
    )
  })

  it('loads nothing: its policy permits its one style, and nothing else', () => {
    const page = pageOf(recordOf(goodRun()))
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? ''
    const digest = createHash('sha256').update(style).digest('base64')
    expect(style.length).toBeGreaterThan(100)
    expect(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]).toBe(
      `default-src &#39;none&#39;; style-src &#39;sha256-${digest}&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;`,
    )
    expect(page).not.toMatch(/\s(src|srcset|style|on\w+)=|url\(|@import|<script|<link/)
  })
})

describe('recovery times', () => {
  const plan = (badSince: string | null) =>
    planWith(
      [
        { title: 'Stop', ...down },
        { title: 'Start', ...up },
      ],
      { params: { badSince } },
    )
  const told = [
    [1, intent('Stop')],
    [2, ended('Stop')],
    [3, intent('Start')],
    [60, ended('Start')],
    [61, settled('succeeded')],
  ] as const
  const measures = (badSince: string | null) => recordOf(journalOf(plan(badSince), told)).measures

  it('are given from the start of the run, and from the incident where it is known', () => {
    const { rto, incident } = measures('2026-02-03T03:12:00.000Z')
    expect([rto.seconds, rto.verdict, incident?.seconds, incident?.verdict]).toEqual([
      60,
      'met',
      3660,
      'missed',
    ])
    const page = pageOf(recordOf(journalOf(plan('2026-02-03T03:12:00.000Z'), told)))
    expect(page).toContain(
      '<td>Recovery time (RTO) from the start of the run</td><td>1m</td><td>30m</td><td>met</td>',
    )
    expect(page).toContain(
      '<td>Recovery time (RTO) from the incident, 2026-02-03 03:12:00 UTC</td><td>1h 1m</td><td>30m</td><td><strong>missed</strong></td>',
    )
  })

  it('are not made up where it is not known, or is not before the recovery', () => {
    expect(measures(null).incident).toBeUndefined()
    expect(measures('yesterday').incident).toBeUndefined()
    expect(measures('2026-02-03T05:12:00.000Z').incident).toMatchObject({
      seconds: null,
      why: 'it began after the recovery',
      verdict: 'unknown',
    })
  })

  it('come with when the service was down', () => {
    expect(recordOf(journalOf(plan(null), told)).outages).toEqual([
      { from: '2026-02-03T04:12:01.000Z', to: '2026-02-03T04:13:00.000Z' },
    ])
    const open = recordOf(journalOf(plan(null), told.slice(0, 3)))
    expect(pageOf(open)).toContain('<td>down from +1s, not confirmed up again</td>')
    expect(reportOf(open)).toContain(
      '| Downtime | unknown: the service was not confirmed up again; at least 2s, since 2026-02-03 04:12:01 UTC | none |',
    )
    expect(recordOf(dryRun()).outages).toBeUndefined()
  })
})

describe('earlier runs', () => {
  const record = recordOf(goodRun([earlierRun('R2', 3600), earlierRun('R1', null)]))

  it('are compared with this one, in both reports', () => {
    expect(reportOf(record)).toContain(
      [
        '## Earlier runs',
        '',
        '| Run | Started | Result | RTO | Downtime | RPO |',
        '| --- | --- | --- | --- | --- | --- |',
        '| **this run** | 2026-02-03 04:12:00 UTC | succeeded | 3m 50s | 52s | 1h 2m 33s |',
        '| `R2` | 2026-01-03 04:12:00 UTC | succeeded | 1h | 12.5s |  |',
        '| `R1` | 2026-01-03 04:12:00 UTC | rolled back |  | 12.5s |  |',
      ].join('\n'),
    )
    const page = pageOf(record)
    expect(page).toContain('<th scope="col" class="track">Recovery time</th>')
    // To one scale, with the objective of 30 minutes in the middle of the longest.
    expect(page).toContain(
      'aria-label="3m 50s, objective 30m"><rect class="done" x="0%" y="3" width="6.389%" height="12"/><line class="mark" x1="50%"',
    )
    expect(page).toContain('aria-label="1h, objective 30m"><rect class="failed" x="0%" y="3" width="100%"')
    expect(page).toContain('aria-label="not measured"></svg>')
  })

  it('are left out where they were not read', () => {
    expect(pageOf(recordOf(goodRun()))).not.toContain('Earlier runs')
  })
})

describe('a template', () => {
  it('escapes text, in attributes too, and takes nothing from outside for markup', () => {
    expect(fragment`<p title="${'"\'&<>'}">${['<b>', 1, null]}</p>`.toString()).toBe(
      '<p title="&quot;&#39;&amp;&lt;&gt;">&lt;b&gt;1</p>',
    )
    expect(fragment`${fragment`<b>${'&'}</b>`}${'\u202e'}`.toString()).toBe('<b>&amp;</b>\\u202e')
  })
})

const text = hostile.join(' ')
const ours = new Set(
  '!doctype html head meta title style body header h1 h2 main section table thead tbody tr th td svg rect line text p ul li code strong pre a footer'.split(
    ' ',
  ),
)
const allowed = new Set(
  'lang charset http-equiv content name class aria-labelledby id scope width height role aria-label x y x1 x2 y1 y2 text-anchor href'.split(
    ' ',
  ),
)

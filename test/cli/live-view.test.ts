import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LiveView } from '../../src/cli/live-view.ts'
import type { Drawing } from '../../src/conduct/drawing.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { pastTimesOf, type PastTimes } from '../../src/run/record/past-times.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { down, ended, intent, journalOf, planWith, settled, start, up } from '../fixtures/told-run.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

const plan = planWith([
  { title: 'Look', effect: 'observe' },
  { title: 'Stop', kind: 'services.stop', ...down },
  { title: 'Start', kind: 'services.start', ...up },
])
const preflighted = { type: 'preflighted', findings: [], warnings: 0, refusals: 0 } as const
const entries = journalOf(plan, [
  [1, preflighted],
  [1, intent('Look')],
  [2, ended('Look', { milliseconds: 1000 })],
  [3, intent('Stop', { before: { running: ['web'] } })],
  [4, ended('Stop', { milliseconds: 1000 })],
  [5, intent('Start')],
  [9, ended('Start', { output: { names: ['web'] }, milliseconds: 4000 })],
  [10, settled('succeeded')],
])

function viewOf(
  drawing: Drawing,
  {
    begun = [],
    past = async () => [],
  }: { begun?: readonly Stored[]; past?: () => Promise<readonly PastTimes[]> } = {},
) {
  const said: string[] = []
  const clock = fakeClock(new Date(start))
  const view = new LiveView({ drawing, width: () => 60, clock, begun, past, say: (text) => said.push(text) })
  const hear = (from: number, to: number): void => {
    for (const stored of entries.slice(from, to)) {
      clock.pass(Math.max(0, Date.parse(stored.at) - clock.now().getTime()))
      view.hear({ type: 'entry', stored })
    }
  }
  return { said, clock, view, hear }
}

describe('with plain lines', () => {
  test('what is at stake comes first, then each change of what is down', () => {
    const { said, hear } = viewOf('lines')
    hear(0, 1)
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('Full DB rollback (production) (full-db-rollback)')
    hear(1, 4)
    expect(said).toHaveLength(1)
    hear(4, 8)
    expect(said.slice(1)).toEqual([
      'running for 3s; DOWN for 0s: web; RTO 30m: 29m 57s left\nno past run to estimate the rest from',
      'running for 9s; up again after 9s (RTO 30m met)',
    ])
  })

  test('entries of steps that are worth no line are not folded, so that a long run costs no more a step', () => {
    const steps = Array.from({ length: 50 }, (_, at) => `Change ${at}`)
    const many = planWith([
      ...steps.map((title) => ({ title })),
      { title: 'Stop', kind: 'services.stop', ...down },
      { title: 'Start', kind: 'services.start', ...up },
    ])
    let reads = 0
    const heard = journalOf(many, [
      ...steps.flatMap((title) => [[1, intent(title)] as const, [1, ended(title)] as const]),
      [3, intent('Stop', { before: { running: ['web'] } })],
    ]).map((stored, at) =>
      at === 1
        ? {
            ...stored,
            get entry() {
              return ((reads += 1), stored.entry)
            },
          }
        : stored,
    )
    const said: string[] = []
    const clock = fakeClock(new Date(start))
    const say = (text: string): void => void said.push(text)
    const view = new LiveView({
      drawing: 'lines',
      width: () => 60,
      clock,
      begun: [],
      past: async () => [],
      say,
    })
    for (const stored of heard.slice(0, -1)) view.hear({ type: 'entry', stored })
    expect(reads).toBeLessThan(10)
    expect(said).toHaveLength(1)
    for (const stored of heard.slice(-1)) view.hear({ type: 'entry', stored })
    expect(said.at(-1)).toContain('DOWN')
    view.end()
  })

  test('it is repeated each minute until the run has ended', () => {
    const { said, clock, hear } = viewOf('lines')
    hear(0, 7)
    const before = said.length
    clock.pass(60_000)
    vi.advanceTimersByTime(60_000)
    expect(said.slice(before)).toEqual([expect.stringContaining('running for 1m 5s; DOWN for 1m 2s: web')])
    hear(7, 9)
    const atEnd = said.length
    vi.advanceTimersByTime(600_000)
    expect(said).toHaveLength(atEnd)
  })
})

test('live, it is drawn and not said, with what past runs say as soon as that is known', async () => {
  const learned = Promise.resolve([pastTimesOf(entries)])
  const { said, view, hear } = viewOf('live', { past: () => learned })
  expect(view.lines()).toEqual([])
  hear(0, 7)
  await learned.then(() => undefined)
  await Promise.resolve()
  expect(view.lines().join('; ')).toContain('about 3s until it is up (90 %: 3s; 1 past run)')
  expect(said).toHaveLength(1)
  hear(7, 9)
  expect(view.lines()).toEqual([])
})

test('past runs that cannot be read cost the estimate only', async () => {
  const broken = Promise.reject(new Error('disk'))
  const { view, hear } = viewOf('live', { past: () => broken })
  hear(0, 7)
  await broken.catch(() => undefined)
  await Promise.resolve()
  expect(view.lines().join('; ')).toContain('no past run to estimate the rest from')
})

test('a resumed run begins with what it has done', () => {
  const { said, view } = viewOf('live', { begun: entries.slice(0, 5) })
  const resumed = {
    type: 'resumed',
    way: 'forward',
    by: 'ada',
    host: 'db1',
    orphans: [],
    accepted: null,
  } as const
  const stored = journalOf(plan, [[8, resumed]])[1] as Stored
  view.hear({ type: 'entry', stored })
  expect(said[0]).toContain('1. Look  [done before]')
  expect(view.lines().join('; ')).toContain('DOWN for')
})

test.each<[Drawing, 'run' | 'dry-run']>([
  ['silent', 'run'],
  ['lines', 'dry-run'],
])('%s, of a %s: nothing', (drawing, mode) => {
  const { said, view } = viewOf(drawing)
  for (const stored of journalOf(plan, [[1, preflighted]], { mode })) view.hear({ type: 'entry', stored })
  expect(said).toEqual([])
  expect(view.lines()).toEqual([])
})

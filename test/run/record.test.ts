import { describe, expect, it } from 'vitest'
import { canonical } from '../../src/kernel/json.ts'
import type { Entry } from '../../src/run/journal/entry.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { filesOf } from '../../src/views/files.ts'
import { badRun, goodRun } from '../fixtures/runs.ts'
import { ended, failed, intent, journalOf, planWith, settled } from '../fixtures/told-run.ts'

const plan = planWith([{ title: 'Stop' }, { title: 'Swap' }])
const sealed: Entry = { type: 'sealed', folder: '/x', digest: '00' }
const resumed: Entry = {
  type: 'resumed',
  way: 'forward',
  by: 'grace',
  host: 'db1',
  orphans: [],
  accepted: '-a\n+b',
}

describe('the record of a run', () => {
  it("is one canonical text, and the journal's end is in it", () => {
    const record = recordOf(goodRun())
    expect(() => canonical(record)).not.toThrow()
    expect(record.journal).toMatchObject({ count: goodRun().length, hash: goodRun().at(-1)?.hash })
    expect(record.journal.hashes).toEqual(goodRun().map(({ hash }) => hash))
  })

  it('does not change by being sealed, and keeps a seal that lies further back', () => {
    const told = [
      [1, intent('Stop')],
      [2, failed('Stop', 'x')],
      [3, settled('needs-human', 'x')],
    ] as const
    expect(filesOf(journalOf(plan, [...told, [4, sealed], [5, sealed]]))).toEqual(
      filesOf(journalOf(plan, told)),
    )
    expect(recordOf(journalOf(plan, [...told, [4, sealed], [5, resumed], [6, sealed]])).journal.count).toBe(6)
  })

  it('is open again once a run is taken up, until it settles anew', () => {
    const told = [
      [1, intent('Stop')],
      [2, failed('Stop', 'x')],
      [3, settled('needs-human', 'x')],
      [4, sealed],
      [5, resumed],
    ] as const
    expect(recordOf(journalOf(plan, told))).toMatchObject({
      outcome: 'open',
      endedAt: null,
      failure: null,
      events: [{ what: 'resumed', accepted: '-a\n+b' }],
    })
    expect(recordOf(journalOf(plan, [...told, [9, settled('succeeded')]]))).toMatchObject({
      outcome: 'succeeded',
      failure: null,
    })
  })

  it('tells of each attempt, and keeps what was seen before the first', () => {
    const told = [
      [1, intent('Stop', { before: { running: true } })],
      [2, resumed],
      [3, intent('Stop', { attempt: 2, before: { running: false } })],
      [4, failed('Stop', 'no', { attempt: 2 })],
      [5, ended('Stop', { attempt: 3, result: 'recovered' })],
    ] as const
    const [step] = recordOf(journalOf(plan, told)).steps
    expect(
      step?.attempts.map(({ attempt, result, startedAt }) => [attempt, result, startedAt !== null]),
    ).toEqual([
      [1, 'cut off', true],
      [2, 'failed', true],
      [3, 'recovered', false],
    ])
    expect([step?.before, step?.status]).toEqual([{ running: true }, 'recovered'])
  })

  it('holds no comparison for a step that failed, or that had nothing to do', () => {
    expect(
      recordOf(badRun()).steps.find(({ id }) => id === 'swap-the-restored-database-in')?.comparison,
    ).toBeNull()
    expect(
      recordOf(journalOf(plan, [[1, ended('Stop', { result: 'already' })]])).steps[0]?.comparison,
    ).toBeNull()
  })

  it('names the person who released a run, and why', () => {
    const told = [
      [1, intent('Stop')],
      [9, { type: 'released', by: 'grace', reason: 'mended by hand' }],
    ] as const
    expect(recordOf(journalOf(plan, told)).released).toMatchObject({ by: 'grace', reason: 'mended by hand' })
  })

  it('is refused for entries that do not begin as a run does', () => {
    for (const entries of [[], goodRun().slice(1)])
      expect(() => recordOf(entries)).toThrow('do not begin with the opening')
  })
})

import { describe, expect, it } from 'vitest'
import type { Plan } from '../../src/model/plan.ts'
import type { EarlierRun, Outcome, StoredEstimate } from '../../src/run/journal/entry.ts'
import { earlierRuns } from '../../src/run/record/earlier-runs.ts'
import { startRun } from '../../src/run/start.ts'
import { emptyJournal, fakeJournal } from '../../src/testing/journal.ts'
import { holderOf, opened, settled } from '../fixtures/entries.ts'
import { Machine, runbook, toySteps } from './toy.ts'

const plan = { runbook: 'full-db-rollback', target: { name: 'production' } } as unknown as Plan

async function journalWith(
  runs: readonly (readonly [string, Parameters<typeof opened>[0], Outcome | null])[],
) {
  const kept = emptyJournal()
  const journal = fakeJournal(kept)
  for (const [run, about, outcome] of runs) {
    const hold = await journal.hold('shop', holderOf(run))
    await journal.append(hold, run, opened(about))
    if (outcome !== null) await journal.append(hold, run, settled(outcome))
    await hold.release()
  }
  return { kept, journal }
}

const namesIn = (runs: readonly EarlierRun[]): readonly string[] => runs.map(({ run }) => run).sort()

describe('earlier runs', () => {
  it('are the real ones of the same runbook on the same target that did something', async () => {
    const { journal } = await journalWith([
      ['good', {}, 'succeeded'],
      ['back', {}, 'rolled-back'],
      ['refused', {}, 'refused'],
      ['open', {}, null],
      ['dry', { mode: 'dry-run' }, 'foretold'],
      ['other-target', { target: 'staging' }, 'succeeded'],
      ['other-runbook', { runbook: 'prune' }, 'succeeded'],
      ['this', {}, 'succeeded'],
    ])
    const found = await earlierRuns(journal, 'this', plan)
    expect(namesIn(found)).toEqual(['back', 'good'])
    expect(found.find(({ run }) => run === 'good')).toEqual({
      run: 'good',
      startedAt: expect.any(String),
      outcome: 'succeeded',
      rtoSeconds: null,
      downtimeSeconds: null,
      rpoSeconds: null,
    })
  })

  it('are ten at most, without those that cannot be read', async () => {
    const names = Array.from({ length: 12 }, (_, number) => `run-${number}`)
    const { kept, journal } = await journalWith(names.map((name) => [name, {}, 'succeeded']))
    expect(await earlierRuns(journal, 'this', plan)).toHaveLength(10)
    const newest = String((await journal.runs())[0]?.run)
    const index = kept.entries.findIndex(({ run, seq }) => run === newest && seq === 1)
    const stored = kept.entries[index]
    if (stored !== undefined) kept.entries[index] = { ...stored, entry: settled('rolled-back') }
    expect(namesIn(await earlierRuns(journal, 'this', plan))).not.toContain(newest)
  })
})

describe('the end of a run', () => {
  const earlier: EarlierRun = {
    run: 'R1',
    startedAt: '2026-01-03T04:12:00.000Z',
    outcome: 'succeeded',
    rtoSeconds: 10,
    downtimeSeconds: 5,
    rpoSeconds: null,
  }
  async function settledWith(
    earlierRuns: () => Promise<readonly EarlierRun[]>,
    mode: 'run' | 'dry-run' = 'run',
    estimateOf: () => Promise<StoredEstimate | null> = async () => null,
  ) {
    const machine = new Machine()
    const steps = toySteps(
      () => machine.world,
      () => machine.power,
    )
    const book = runbook('toy', { title: 'Toy', when: 'Never.', needs: [], params: {} }, ({ step }) => {
      step('First', steps.set({ flag: 'first', to: 'new' }))
    })
    const { code } = await startRun(
      { ...machine.around(), earlierRuns, estimateOf },
      machine.order(book, {}, mode),
    )
    const entry = machine.entries.map((one) => one.entry).find(({ type }) => type === 'settled')
    const estimate = entry?.['estimate']
    return [code, entry?.['earlier'], ...(estimate === undefined ? [] : [estimate])]
  }

  it('records them', async () => {
    expect(await settledWith(async () => [earlier])).toEqual(['succeeded', [earlier]])
  })

  it('records what they said about its duration, unless that cannot be read', async () => {
    const estimate = { medianSeconds: 61, p90Seconds: 70, runs: 12 }
    expect(
      await settledWith(
        async () => [],
        'run',
        async () => estimate,
      ),
    ).toEqual(['succeeded', [], estimate])
    expect(
      await settledWith(
        async () => [],
        'run',
        async () => null,
      ),
    ).toEqual(['succeeded', []])
    const broken = () => Promise.reject(new Error('disk'))
    expect(await settledWith(async () => [], 'run', broken)).toEqual(['succeeded', []])
  })

  it('does not fail where they cannot be read, and does not look for them in a dry run', async () => {
    const broken = () => Promise.reject(new Error('disk'))
    expect(await settledWith(broken)).toEqual(['succeeded', undefined])
    expect(await settledWith(async () => [earlier], 'dry-run')).toEqual(['succeeded', undefined])
  })
})

import { expect, test } from 'vitest'
import { checkedRuns, chosenRun } from '../../src/cli/journal.ts'
import { emptyJournal, fakeJournal } from '../../src/testing/journal.ts'
import { endedAs } from '../../src/views/history.ts'
import { holderOf, opened, sealed, settled } from '../fixtures/entries.ts'

async function journalOf(count: number) {
  const kept = emptyJournal()
  const journal = fakeJournal(kept)
  for (let number = 0; number < count; number++) {
    const run = `run-${number}`
    const hold = await journal.hold('shop', holderOf(run))
    for (const entry of [opened(), settled('succeeded'), sealed]) await journal.append(hold, run, entry)
    await hold.release()
  }
  return { kept, journal }
}

test('the newest 200 runs are checked, and the others are marked', async () => {
  const { kept, journal } = await journalOf(202)
  for (const run of ['run-0', 'run-201']) {
    const index = kept.entries.findIndex((stored) => stored.run === run && stored.seq === 1)
    const stored = kept.entries[index]
    if (stored !== undefined) kept.entries[index] = { ...stored, entry: settled('rolled-back') }
  }
  const { runs, damages } = await checkedRuns(journal, await journal.runs(), () => undefined)
  expect(damages.map(({ message }) => message)).toEqual([
    'the journal of run run-201 is damaged: entry 1 was altered; nothing was done',
  ])
  expect(runs.filter(({ damage }) => damage === undefined).map(({ run }) => run)).toEqual(['run-1', 'run-0'])
  expect([runs[0], runs[1], runs[201]].map((one) => one && endedAs(one))).toEqual([
    'damaged journal',
    'succeeded',
    'rolled-back, not checked',
  ])
})

test('without an id the only run that is not sealed is chosen to go forward, never back', async () => {
  const { kept, journal } = await journalOf(2)
  const said: string[] = []
  const choose = (way: 'forward' | 'back') => chosenRun(journal, undefined, way, (text) => said.push(text))
  await expect(choose('forward')).rejects.toThrow('no run is open')
  kept.entries.pop()
  kept.heads.delete('run-1')
  expect(await choose('forward')).toBe('run-1')
  expect(said).toEqual(['using the only run whose evidence is not sealed: run-1\n'])
  await expect(choose('back')).rejects.toThrow('no run is open')
  kept.entries.splice(2, 1)
  await expect(choose('forward')).rejects.toThrow('no run is open, and 2 are not sealed: run-1, run-0')
})

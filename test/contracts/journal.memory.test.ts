import { emptyJournal, fakeJournal } from '../../src/testing/journal.ts'
import { holderOf } from '../fixtures/entries.ts'
import { journalContract } from './journal.contract.ts'

journalContract('memory', async () => {
  const kept = emptyJournal()
  return {
    open: async (clock) => fakeJournal(kept, clock),
    holder: (run) => holderOf(run),
    damage: async (run, how) => {
      const mine = kept.entries
        .map((stored, index) => ({ stored, index }))
        .filter(({ stored }) => stored.run === run)
      const [first, last] = [mine[0], mine.at(-1)]
      if (first === undefined || last === undefined) throw new Error(`there is no ${run}`)
      if (how === 'last entry lost') kept.entries.splice(last.index, 1)
      else if (how === 'all entries lost')
        for (const { index } of mine.toReversed()) kept.entries.splice(index, 1)
      else
        kept.entries[first.index] = {
          ...first.stored,
          entry: { ...first.stored.entry, by: 'mallory' } as typeof first.stored.entry,
        }
    },
    close: async () => undefined,
  }
})

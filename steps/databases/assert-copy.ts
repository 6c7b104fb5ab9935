import { cannot, defineStep, isPending } from '../../src/index.ts'
import {
  assertRestored,
  orNamingOthers,
  provenCopy,
  type Proven,
  type RestoredData,
} from './assert-restored.ts'
import { assertionsInWords } from './lib/assertions.ts'
import { instanceOf } from './lib/ours.ts'
import { requireUnchanged, type Unchanged } from './lib/unchanged.ts'

/** Proof that a copy passed every check, and that nobody has changed it since: `swapDatabase` requires it. */
export type ProvenCopy = Proven & { readonly unchanged: Unchanged }

/**
 * Checks the restored copy before it may go live: tables, row counts, migration revision, and the configured
 * assertions. Nobody can write to it meanwhile, and what anybody does to it afterwards is noticed before it goes live: a
 * server ends the sessions of others and keeps the copy closed until the swap, and a file has another version once it
 * was written to.
 * @throws RunbookError `verification` where a table of the dump is missing, all are empty, rows differ from the
 * signed manifest of the dump, an assertion fails, a table is empty that has rows live, which was neither shown
 * before nor accepted, or somebody writes to the copy
 */
export const assertCopy = defineStep<RestoredData, ProvenCopy>({
  kind: 'databases.assert-closed-copy',
  version: 1,
  effect: 'exercise',
  formerly: [assertRestored.step],
  describe: ({ assertions, database }) =>
    `Counts the rows of every table in the copy, reads its migration revision, and checks ${assertionsInWords(assertions)}` +
    (isPending(database) || database.engine === 'postgres'
      ? '; nobody else can connect to it from then on until it goes live.'
      : '; it must not change from then on until it goes live.'),
  predict: () => ({ output: null }),
  run: (io, input) =>
    orNamingOthers(io, input, async () => {
      const { database, copy } = input
      if (copy.name === database.name)
        throw cannot('keep others out of', database.name, 'it is the live database, not a copy beside it', {
          code: 'usage',
          hint: 'check data that no swap makes live with the step assertRestored',
        })
      const { value, version } = await io.databases.readExclusively(database, copy.name, async (databases) =>
        provenCopy({ databases, note: io.note }, input),
      )
      return {
        ...value,
        unchanged: { instance: await instanceOf(io, database, copy.name), version },
      }
    }),
  stillHolds: (look, { input: { database, copy }, output: { unchanged } }) =>
    requireUnchanged(look, database, copy.name, unchanged),
})

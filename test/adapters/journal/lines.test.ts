import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thisProcess } from '../../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../../src/adapters/journal/open.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import type { Entry } from '../../../src/run/journal/entry.ts'
import type { Journal, RunFilter } from '../../../src/run/journal/journal.ts'
import { emptyJournal, fakeJournal } from '../../../src/testing/journal.ts'
import { ended, intent, opened, released, sealed, settled } from '../../fixtures/entries.ts'
import { forgetTable } from './forget-table.ts'

const run = fc.constantFrom('a1', 'b1', 'c')
/** Few words, so that filters match. */
const word = fc.constantFrom('shop', 'blog')
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed())
const entry = fc.oneof(
  fc
    .record({
      system: fc.oneof(word, text),
      runbook: fc.oneof(word, text),
      target: fc.oneof(word, text),
      mode: fc.constantFrom('run' as const, 'dry-run' as const),
      story: fc.option(text),
    })
    .map(opened),
  fc.constantFrom(intent('swap'), ended('swap'), released, sealed),
  fc
    .constantFrom(
      'succeeded' as const,
      'rolled-back' as const,
      'needs-human' as const,
      'refused' as const,
      'foretold' as const,
    )
    .map(settled),
)

const outcome = fc.constantFrom('succeeded' as const, 'needs-human' as const, 'foretold' as const)
const filter: fc.Arbitrary<RunFilter> = fc.record(
  {
    id: fc.constantFrom('a1', 'b', '1', 'z', ''),
    system: word,
    runbook: word,
    runbooks: fc.uniqueArray(word),
    target: word,
    mode: fc.constantFrom('run' as const, 'dry-run' as const),
    outcomes: fc.uniqueArray(outcome),
    pending: fc.boolean(),
    since: fc.integer({ min: 0, max: 20 }).map((seconds) => new Date(seconds * 1_000).toISOString()),
    newest: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: [] },
)

const steadyClock = (): Clock => {
  let seconds = 0
  return {
    now: () => new Date((seconds += 1) * 1_000),
    monotonic: () => performance.now(),
    sleep: async () => undefined,
  }
}

async function write(journal: Journal, written: readonly (readonly [string, Entry])[]): Promise<void> {
  const hold = await journal.hold('shop', { ...thisProcess('ada'), run: 'any', since: '' })
  for (const [run, entry] of written) await journal.append(hold, run, entry)
  await hold.release()
}

describe('the list of runs', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'runbook-lines-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is the list that the entries tell, from the table, from a table made later, and without one', async () => {
    let number = 0
    const history = fc.array(fc.tuple(run, entry), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        history,
        history,
        fc.array(filter, { maxLength: 6 }),
        async (before, after, filters) => {
          const expected = fakeJournal(emptyJournal(), steadyClock())
          await write(expected, [...before, ...after])
          const state = join(folder, String((number += 1)))
          const clock = steadyClock()
          const first = await openJournal(state, clock)
          await write(first, before)
          await first.close()
          // A journal of an earlier version, which has no table.
          if (number % 2 === 0) forgetTable(state)
          const journal = await openJournal(state, clock)
          await write(journal, after)
          const compare = async (how: string): Promise<void> => {
            for (const wanted of [{}, ...filters]) {
              const what = `${how}: ${JSON.stringify(wanted)}`
              expect(await journal.runs(wanted), what).toEqual(await expected.runs(wanted))
              expect(await journal.count({ ...wanted, newest: undefined }), what).toBe(
                await expected.count({ ...wanted, newest: undefined }),
              )
            }
          }
          await compare('table')
          const other = new Database(join(state, 'journal.db'))
          expect(other.prepare('SELECT count(*) FROM run_list').pluck().get()).toBe(1)
          other.exec('DELETE FROM run_list')
          other.close()
          await compare('entries')
          await journal.close()
        },
      ),
      { numRuns: 40 },
    )
  })
})

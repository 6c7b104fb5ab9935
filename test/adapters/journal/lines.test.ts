import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thisProcess } from '../../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../../src/adapters/journal/open.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import { isOpen } from '../../../src/run/journal/journal.ts'
import { emptyJournal, fakeJournal } from '../../../src/testing/journal.ts'
import { ended, intent, opened, released, settled } from '../../fixtures/entries.ts'

const run = fc.constantFrom('a', 'b', 'c')
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed())
const entry = fc.oneof(
  fc
    .record({
      system: text,
      runbook: text,
      target: text,
      mode: fc.constantFrom('run' as const, 'dry-run' as const),
      story: fc.option(text),
    })
    .map(opened),
  fc.constantFrom(intent('swap'), ended('swap'), released),
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

describe('the list of runs', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'runbook-lines-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('as SQLite tells it from its index is the list that the entries tell, whatever is in them', async () => {
    let number = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(run, entry), { maxLength: 20 }), async (written) => {
        let seconds = 0
        const clock: Clock = {
          now: () => new Date((seconds += 1) * 1_000),
          monotonic: () => performance.now(),
          sleep: async () => undefined,
        }
        const journals = [
          await openJournal(join(folder, String((number += 1))), clock),
          fakeJournal(emptyJournal(), clock),
        ] as const
        const lists = []
        for (const journal of journals) {
          seconds = 0
          const hold = await journal.hold('shop', { ...thisProcess('ada'), run: 'any', since: '' })
          for (const [run, entry] of written) await journal.append(hold, run, entry)
          lists.push(await journal.runs())
          await journal.close()
        }
        expect(lists[0]).toEqual(lists[1])
        expect(lists[0]?.filter(isOpen)).toEqual(lists[1]?.filter(isOpen))
      }),
      { numRuns: 60 },
    )
  })
})

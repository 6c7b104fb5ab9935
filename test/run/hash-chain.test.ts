import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { checkChain, chainFault, headFlaw, linked } from '../../src/run/journal/hash-chain.ts'
import { genesisHash, type Entry, type Stored } from '../../src/run/journal/entry.ts'
import { intent, opened } from '../fixtures/entries.ts'

const json = fc
  .jsonValue({ noUnicodeString: false })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json)
const entry = fc.oneof(
  fc.record({ type: fc.constant('ended'), step: fc.string(), output: json }),
  fc.record({ type: fc.constant('intent'), step: fc.string(), before: json }),
) as unknown as fc.Arbitrary<Entry>

/** A sound chain: each entry with the steps by which the epoch grew before it. */
const chain = fc.array(fc.tuple(entry, fc.nat({ max: 2 })), { minLength: 1, maxLength: 12 }).map((parts) => {
  const entries: Stored[] = []
  let epoch = 1
  for (const [entry, more] of parts) {
    epoch += more
    entries.push(
      linked({
        run: 'one',
        seq: entries.length,
        epoch,
        at: '2026-02-03T04:12:33.000Z',
        previous: entries.at(-1)?.hash ?? genesisHash,
        entry,
      }),
    )
  }
  return entries
})
const headOf = (entries: readonly Stored[]) => entries.at(-1) ?? null
const code = { name: 'RunbookError', code: 'journal' }

describe('the chain of a run', () => {
  it('is sound as it was written, and when its head was not told of the last entry', () => {
    fc.assert(
      fc.property(chain, (entries) => {
        expect(chainFault(entries)).toBeNull()
        checkChain('one', entries, headOf(entries))
        if (entries.length > 1) checkChain('one', entries, entries.at(-2) ?? null)
        else checkChain('one', entries, null)
      }),
    )
  })

  it('shows every edit, wherever it is', () => {
    const edits: readonly ((stored: Stored, other: Json) => JsonObject)[] = [
      (stored, other) => ({
        ...stored,
        entry: {
          ...stored.entry,
          output: { was: (stored.entry as JsonObject)['output'] ?? null, is: other },
        },
      }),
      (stored) => ({ ...stored, at: '2026-02-03T04:12:34.000Z' }),
      (stored) => ({ ...stored, epoch: stored.epoch + 1 }),
      (stored) => ({ ...stored, run: 'other' }),
      (stored) => ({ ...stored, seq: stored.seq + 1 }),
      (stored) => ({ ...stored, hash: stored.hash.replace(/^./, (digit) => (digit === 'f' ? '0' : 'f')) }),
      (stored) => ({
        ...stored,
        previous: stored.previous.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      }),
    ]
    fc.assert(
      fc.property(chain, fc.nat(), fc.constantFrom(...edits), json, (entries, where, edit, other) => {
        const at = where % entries.length
        const edited = entries.map((stored, index) =>
          index === at ? (edit(stored, other) as Stored) : stored,
        )
        expect(chainFault(edited)).not.toBeNull()
      }),
    )
  })

  it('shows an edit whose own hash was made to fit, by the next entry or by the head', () => {
    fc.assert(
      fc.property(chain, fc.nat(), (entries, where) => {
        const at = where % entries.length
        const { hash, ...link } = entries[at] ?? entries[0]!
        const forged = linked({ ...link, entry: { ...link.entry, forged: hash } as Entry })
        const edited = entries.map((stored, index) => (index === at ? forged : stored))
        expect(() => checkChain('one', edited, headOf(entries))).toThrow(expect.objectContaining(code))
      }),
    )
  })

  it('shows what was dropped, moved, repeated or put in', () => {
    const changes: readonly ((entries: Stored[], one: number, other: number) => Stored[])[] = [
      (entries, one) => entries.toSpliced(one, 1),
      (entries, one, other) => entries.with(one, entries[other]!).with(other, entries[one]!),
      (entries, one) => entries.toSpliced(one, 0, entries[one]!),
      (entries, one) => entries.toSpliced(one, 0, linked({ ...entries[one]!, entry: opened() })),
      (entries, one) => entries.slice(one + 1),
    ]
    fc.assert(
      fc.property(
        chain,
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...changes),
        (entries, first, second, change) => {
          const [one, other] = [first % entries.length, second % entries.length]
          const changed = change(entries, one, other)
          fc.pre(changed.length !== entries.length || one !== other)
          expect(() => checkChain('one', changed, headOf(entries))).toThrow(expect.objectContaining(code))
        },
      ),
    )
  })

  it('shows a lost tail of any length, against the head', () => {
    fc.assert(
      fc.property(chain, fc.nat(), (entries, where) => {
        const left = entries.slice(0, where % entries.length)
        expect(chainFault(left)).toBeNull()
        expect(() => checkChain('one', left, headOf(entries))).toThrow(/lost/)
      }),
    )
  })

  it('shows that an older hold wrote after a newer one, though all hashes fit', () => {
    const link = { run: 'one', at: '2026-02-03T04:12:33.000Z' }
    const first = linked({ ...link, seq: 0, epoch: 2, previous: genesisHash, entry: opened() })
    const second = linked({ ...link, seq: 1, epoch: 1, previous: first.hash, entry: intent('swap') })
    expect(chainFault([first, second])).toMatch(/older epoch/)
  })

  it('needs a head for anything past a first entry', () => {
    expect(headFlaw(0, null, () => undefined)).toBeNull()
    expect(headFlaw(1, null, () => undefined)).toBeNull()
    expect(headFlaw(2, null, () => undefined)).toMatch(/missing or damaged/)
  })
})

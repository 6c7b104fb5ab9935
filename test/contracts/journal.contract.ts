import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/kernel/clock.ts'
import { chainFault } from '../../src/run/journal/hash-chain.ts'
import { genesisHash, type Entry, type Holder } from '../../src/run/journal/entry.ts'
import { isOpen, isUnsealed, type Journal, type RunFilter } from '../../src/run/journal/journal.ts'
import { ended, intent, opened, released, sealed, settled } from '../fixtures/entries.ts'

export interface JournalBench {
  /** Another process's journal on the same state. */
  open(clock?: Clock): Promise<Journal>
  /** This process, as it signs its holds. */
  readonly holder: (run: string) => Holder
  /** Behind everybody's back, all journals being closed: the last entry is gone, or all of them, or another text stands in the first. */
  damage(run: string, how: 'last entry lost' | 'all entries lost' | 'first entry altered'): Promise<void>
  close(): Promise<void>
}

const code = (wanted: string, ...parts: readonly string[]) => ({
  name: 'RunbookError',
  code: wanted,
  message: expect.stringMatching(new RegExp(parts.join('[^]*'))),
})

export function journalContract(name: string, open: () => Promise<JournalBench>): void {
  describe(`journal: ${name}`, () => {
    let bench: JournalBench
    let journal: Journal

    beforeEach(async () => {
      bench = await open()
      journal = await bench.open()
    })
    afterEach(() => bench.close())

    const write = async (run: string, ...entries: readonly Entry[]): Promise<void> => {
      const hold = await journal.hold('shop', bench.holder(run))
      for (const entry of entries) await journal.append(hold, run, entry)
      await hold.release()
    }
    const damaged = async (how: Parameters<JournalBench['damage']>[1]): Promise<void> => {
      await write('one', opened(), intent('swap'), ended('swap'))
      await journal.close()
      await bench.damage('one', how)
      journal = await bench.open()
    }

    it('keeps what is appended, numbered and chained, for every process that reads it', async () => {
      const hold = await journal.hold('shop', bench.holder('one'))
      const entries = [opened({ story: 'QA-7' }), intent('swap'), ended('swap'), settled('succeeded')]
      const stored = []
      for (const entry of entries) stored.push(await journal.append(hold, 'one', entry))
      const read = await (await bench.open()).read('one')
      expect(read).toEqual(stored)
      expect(read.map(({ entry }) => entry)).toEqual(entries)
      expect(read.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
      expect(read[0]).toMatchObject({
        run: 'one',
        epoch: hold.epoch,
        previous: genesisHash,
        at: expect.stringMatching(/^\d{4}-.*Z$/),
      })
      expect(read[2]?.previous).toBe(read[1]?.hash)
      expect(chainFault(read)).toBeNull()
    })

    it('shows what is durable soon at once, chained like the rest, and keeps it', async () => {
      const hold = await journal.hold('shop', bench.holder('one'))
      await journal.append(hold, 'one', opened())
      await journal.append(hold, 'one', intent('swap'))
      await journal.append(hold, 'one', ended('swap'), 'soon')
      const other = await bench.open()
      expect((await other.read('one')).map(({ seq }) => seq)).toEqual([0, 1, 2])
      await journal.append(hold, 'one', intent('start'))
      await journal.append(hold, 'one', ended('start'), 'soon')
      await journal.close()
      expect((await other.read('one')).map(({ entry }) => entry.type)).toEqual([
        'opened',
        'intent',
        'ended',
        'intent',
        'ended',
      ])
      expect(chainFault(await other.read('one'))).toBeNull()
    })

    it('notices that what was durable soon is gone after its journal was closed', async () => {
      const hold = await journal.hold('shop', bench.holder('one'))
      for (const entry of [opened(), intent('swap')]) await journal.append(hold, 'one', entry)
      await journal.append(hold, 'one', ended('swap'), 'soon')
      await journal.close()
      await bench.damage('one', 'last entry lost')
      journal = await bench.open()
      await expect(journal.read('one')).rejects.toMatchObject(code('journal', 'one', 'damaged'))
    })

    it('hands out copies, so that nobody changes an entry through an object that he still has', async () => {
      const hold = await journal.hold('shop', bench.holder('one'))
      const output = { rows: 3 }
      await journal.append(hold, 'one', opened())
      await journal.append(hold, 'one', { ...ended('swap'), output } as Entry)
      output.rows = 4
      expect((await journal.read('one'))[1]?.entry).toMatchObject({ output: { rows: 3 } })
    })

    it('refuses what is no JSON, and keeps nothing of it', async () => {
      const hold = await journal.hold('shop', bench.holder('one'))
      await journal.append(hold, 'one', opened())
      await expect(
        journal.append(hold, 'one', { ...ended('swap'), output: undefined } as unknown as Entry),
      ).rejects.toThrow(/output.*undefined/)
      expect(await journal.read('one')).toHaveLength(1)
      await journal.append(hold, 'one', settled('refused'))
      expect((await journal.read('one')).map(({ seq }) => seq)).toEqual([0, 1])
    })

    it('keeps runs of different systems apart while they write at the same time', async () => {
      const other = await bench.open()
      const one = await journal.hold('shop', bench.holder('one'))
      const two = await other.hold('blog', bench.holder('two'))
      for (const entry of [opened(), intent('a'), ended('a')]) {
        await Promise.all([journal.append(one, 'one', entry), other.append(two, 'two', entry)])
      }
      for (const run of ['one', 'two'])
        expect((await other.read(run)).map(({ entry }) => entry.type)).toEqual(['opened', 'intent', 'ended'])
    })

    it('knows no run that was never begun', async () => {
      await expect(journal.read('none')).rejects.toMatchObject(code('usage', 'none'))
      expect(await journal.runs()).toEqual([])
    })

    it('gives a system to one at a time, and names who has it', async () => {
      const other = await bench.open()
      const hold = await journal.hold('shop', { ...bench.holder('one'), by: 'ada', host: 'db1' })
      const named = code('held', 'one', 'ada', 'db1', String(process.pid), '2026-02-03')
      await expect(other.hold('shop', bench.holder('two'))).rejects.toMatchObject(named)
      await expect(journal.hold('shop', bench.holder('two'))).rejects.toMatchObject(named)
      expect(await other.holder('shop')).toMatchObject({ run: 'one', by: 'ada', pid: process.pid })
      expect(await other.holder('blog')).toBeNull()
      await other.hold('blog', bench.holder('two'))
      await hold.release()
      expect(await other.holder('shop')).toBeNull()
      expect((await other.hold('shop', bench.holder('two'))).epoch).toBeGreaterThan(hold.epoch)
    })

    it('lets a hold be given back twice, and gives up all holds when it is closed', async () => {
      const other = await bench.open()
      const hold = await journal.hold('shop', bench.holder('one'))
      await hold.release()
      const again = await journal.hold('shop', bench.holder('two'))
      await hold.release()
      await expect(other.hold('shop', bench.holder('three'))).rejects.toMatchObject(code('held', 'two'))
      await journal.close()
      await journal.close()
      expect((await other.hold('shop', bench.holder('three'))).epoch).toBe(again.epoch + 1)
      await expect(journal.runs()).rejects.toMatchObject(code('bug', 'closed'))
      await again.release()
      expect(await other.holder('shop')).toMatchObject({ run: 'three' })
    })

    it('writes nothing under a hold that was given back', async () => {
      const hold = await journal.hold('shop', bench.holder('one'))
      await journal.append(hold, 'one', opened())
      await hold.release()
      await expect(journal.append(hold, 'one', intent('swap'))).rejects.toMatchObject(code('held'))
      expect(await journal.read('one')).toHaveLength(1)
    })

    it('tells a run that a person closed who closed it, and names no holder where there is none', async () => {
      const other = await bench.open()
      const old = await journal.hold('shop', bench.holder('one'))
      await journal.append(old, 'one', opened())
      const hold = await other.takeOver('shop', bench.holder('one'))
      await other.append(hold, 'one', released)
      await hold.release()
      await expect(journal.append(old, 'one', intent('swap'))).rejects.toMatchObject({
        code: 'held',
        message: `this run was closed with \`runbook unlock\` by ${released.by}`,
        hint: 'check the target, then start a new run',
      })
    })

    it('takes a system from a living holder, who can write nothing from then on and frees nothing', async () => {
      const other = await bench.open()
      const old = await journal.hold('shop', bench.holder('one'))
      await journal.append(old, 'one', opened())
      const hold = await other.takeOver('shop', bench.holder('two'))
      expect(hold.epoch).toBeGreaterThan(old.epoch)
      for (const entry of [intent('swap'), ended('swap'), released]) {
        await expect(journal.append(old, 'one', entry)).rejects.toMatchObject(
          code('held', 'taken over', 'two'),
        )
      }
      await other.append(hold, 'one', { type: 'turned', because: 'the operator asked for it', failure: null })
      await old.release()
      await expect(journal.hold('shop', bench.holder('three'))).rejects.toMatchObject(code('held', 'two'))
      expect((await other.read('one')).map(({ epoch }) => epoch)).toEqual([old.epoch, hold.epoch])
      await hold.release()
      expect((await journal.hold('shop', bench.holder('three'))).epoch).toBe(hold.epoch + 1)
    })

    it('takes over from nobody too, and again from the one who took over', async () => {
      const first = await journal.takeOver('shop', bench.holder('one'))
      const second = await journal.takeOver('shop', bench.holder('two'))
      const third = await (await bench.open()).takeOver('shop', bench.holder('three'))
      expect([first.epoch, second.epoch, third.epoch]).toEqual([1, 2, 3])
      await expect(journal.append(second, 'two', opened())).rejects.toMatchObject(code('held', 'three'))
    })

    it('lists runs by the order of writing, whatever the clock says, as their entries tell', async () => {
      let now = Date.parse('2026-02-03T04:00:00Z')
      const clock: Clock = {
        now: () => new Date((now -= 3_600_000)),
        monotonic: () => performance.now(),
        sleep: async () => undefined,
      }
      await journal.close()
      journal = await bench.open(clock)
      await write(
        'a',
        opened({ story: 'QA-7', runbook: 'swap', target: 'staging', system: 'x1' }),
        settled('needs-human'),
        settled('rolled-back'),
      )
      await write('b', opened({ mode: 'dry-run' }), settled('foretold'))
      await write('c', opened(), intent('swap'), settled('needs-human'), released)
      await write('d', opened(), settled('needs-human'))
      await write('e', opened(), intent('swap'))
      const lines = await journal.runs()
      expect(lines.map(({ run, outcome, released }) => [run, outcome, released])).toEqual([
        ['e', null, false],
        ['d', 'needs-human', false],
        ['c', 'needs-human', true],
        ['b', 'foretold', false],
        ['a', 'rolled-back', false],
      ])
      expect(lines.filter(isOpen).map(({ run }) => run)).toEqual(['e', 'd'])
      expect(lines.at(-1)).toEqual({
        run: 'a',
        system: 'x1',
        runbook: 'swap',
        target: 'staging',
        mode: 'run',
        startedAt: '2026-02-03T03:00:00.000Z',
        outcome: 'rolled-back',
        released: false,
        sealed: false,
        story: 'QA-7',
      })
    })

    it('lists and counts the runs that are wanted, newest first', async () => {
      await write('a1', opened({ target: 'staging', system: 'x1' }), settled('succeeded'), sealed)
      await write('b1', opened({ mode: 'dry-run' }), settled('foretold'))
      await write('c2', opened({ runbook: 'swap' }), settled('needs-human'), sealed)
      await write('d', opened(), settled('rolled-back'))
      await write('d1', opened(), settled('refused'), sealed)
      const wanted = async (filter: RunFilter) => {
        const runs = (await journal.runs(filter)).map(({ run }) => run)
        expect(await journal.count({ ...filter, newest: 1 })).toBe(
          filter.newest === undefined ? runs.length : 5,
        )
        return runs.join(' ')
      }
      expect(await wanted({})).toBe('d1 d c2 b1 a1')
      expect(await wanted({ newest: 2 })).toBe('d1 d')
      expect(await wanted({ pending: true })).toBe('d c2')
      expect(await wanted({ outcomes: ['succeeded', 'refused'] })).toBe('d1 a1')
      expect(await wanted({ outcomes: [] })).toBe('')
      expect(await wanted({ mode: 'dry-run' })).toBe('b1')
      expect(await wanted({ runbook: 'swap' })).toBe('c2')
      expect(await wanted({ runbooks: ['swap', 'full-db-rollback'], outcomes: ['succeeded'] })).toBe('a1')
      expect(await wanted({ target: 'production', system: 'shop', mode: 'run' })).toBe('d1 d c2')
      expect(await wanted({ target: 'staging', system: 'shop' })).toBe('')
      expect(await wanted({ id: '1' })).toBe('d1 b1 a1')
      expect(await wanted({ id: 'd' })).toBe('d')
      expect(await wanted({ id: 'z' })).toBe('')
      const [, second] = await journal.runs()
      expect((await journal.runs({ since: second?.startedAt })).length).toBeGreaterThanOrEqual(2)
      expect(await wanted({ since: '2999-01-01T00:00:00.000Z' })).toBe('')
    })

    it('lists a run as sealed only while the seal is its last entry', async () => {
      await write('a', opened(), settled('succeeded'), sealed)
      await write('b', opened(), settled('succeeded'))
      await write('c', opened(), settled('needs-human'), sealed, released)
      await write('d', opened(), settled('needs-human'), released, sealed)
      await write('e', opened({ mode: 'dry-run' }), settled('foretold'))
      await write('f', opened(), intent('swap'))
      const lines = await journal.runs()
      expect(lines.filter((line) => line.sealed).map(({ run }) => run)).toEqual(['d', 'a'])
      expect(lines.filter(isUnsealed).map(({ run }) => run)).toEqual(['c', 'b'])
    })

    it.each(['last entry lost', 'all entries lost', 'first entry altered'] as const)(
      'reads no run that is damaged: %s',
      async (how) => {
        await damaged(how)
        await expect(journal.read('one')).rejects.toMatchObject(code('journal', 'one', 'damaged'))
      },
    )

    it.each(['last entry lost', 'all entries lost'] as const)(
      'adds nothing to a run that is damaged: %s',
      async (how) => {
        await damaged(how)
        const hold = await journal.hold('shop', bench.holder('one'))
        await expect(journal.append(hold, 'one', ended('swap'))).rejects.toMatchObject(
          code('journal', 'one', 'damaged'),
        )
        await journal.append(hold, 'two', opened())
        expect(await journal.read('two')).toHaveLength(1)
      },
    )

    it('lets a person release a damaged run, which never reads as whole again', async () => {
      await damaged('last entry lost')
      await write('one', released, released, released)
      expect((await journal.runs()).map(({ run, released }) => [run, released])).toEqual([['one', true]])
      await expect(journal.read('one')).rejects.toMatchObject(code('journal', 'one', 'damaged'))
    })

    it('lists no runs while one is lost whole, until it is released', async () => {
      await damaged('all entries lost')
      await expect(journal.runs()).rejects.toMatchObject(code('journal', 'one', 'lost'))
      await write('one', released)
      expect(await journal.runs()).toEqual([])
    })

    it('keeps what a holder says of himself to the letter', async () => {
      const stated = { ...bench.holder('one'), by: 'grace "the admiral" \u{1F6A2}' }
      await journal.hold('shop', stated)
      expect(await (await bench.open()).holder('shop')).toEqual(stated)
    })
  })
}

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../src/adapters/journal/open.ts'
import type { Journal } from '../../src/run/journal/journal.ts'
import { eventually } from '../fixtures/eventually.ts'
import { ended, intent } from '../fixtures/entries.ts'
import { Worker } from '../fixtures/journal-workers.ts'

const us = (run: string) => ({ ...thisProcess('grace'), run, since: '2026-02-03T04:12:33.000Z' })

describe('the lock of a system, among processes', () => {
  let folder: string
  let workers: Worker[] = []
  let journals: Journal[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runbook-lock-'))
  })
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.kill()))
    for (const journal of journals) await journal.close()
    workers = []
    journals = []
    rmSync(folder, { recursive: true, force: true })
  })

  const start = (wrapper?: readonly string[]): Worker => {
    const worker = new Worker(folder, wrapper)
    workers.push(worker)
    return worker
  }
  const open = async (): Promise<Journal> => {
    const journal = await openJournal(folder)
    journals.push(journal)
    return journal
  }

  it(
    'goes to one of 64 that begin at the same moment, and all others name him; kill -9 frees it',
    { timeout: 180_000 },
    async () => {
      const racers = Array.from({ length: 64 }, () => start())
      // All of them make the journal at once, too.
      const opened = await Promise.all(racers.map((racer) => racer.ask({ do: 'open' })))
      expect(opened.filter((answer) => 'code' in answer)).toEqual([])
      let left = racers
      for (let round = 1; round <= 8; round += 1) {
        const answers = await Promise.all(
          left.map((racer, index) => racer.ask({ do: 'hold', system: 'shop', run: `r${round}-of-${index}` })),
        )
        const winners = answers.flatMap((answer, index) => ('ok' in answer ? [index] : []))
        expect(winners).toHaveLength(1)
        const [winner = 0] = winners
        expect(answers[winner]).toMatchObject({ ok: round })
        for (const [index, answer] of answers.entries()) {
          if (index === winner) continue
          expect(answer).toMatchObject({
            code: 'held',
            message: expect.stringContaining(`run r${round}-of-${winner} `),
          })
        }
        if (round % 2 === 0) await left[winner]?.ask({ do: 'release' })
        else {
          await left[winner]?.kill()
          left = left.filter((_, index) => index !== winner)
        }
      }
    },
  )

  it('is free after kill -9, with the dead holder named by nobody and his last entry kept', async () => {
    const worker = start()
    await worker.ask({ do: 'hold', system: 'shop', run: 'one' })
    await worker.ask({ do: 'append', run: 'one', entry: 'opened' })
    await worker.ask({ do: 'append', run: 'one', entry: 'intent' })
    const journal = await open()
    expect(await journal.holder('shop')).toMatchObject({ run: 'one', pid: worker.pid })
    await worker.kill()
    expect(await journal.holder('shop')).toBeNull()
    const hold = await journal.hold('shop', us('one'))
    expect(hold.epoch).toBe(2)
    await journal.append(hold, 'one', ended('swap'))
    expect((await journal.read('one')).map(({ entry, epoch }) => [entry.type, epoch])).toEqual([
      ['opened', 1],
      ['intent', 1],
      ['ended', 2],
    ])
  })

  it('is kept by a process that is stopped; taken from it, it writes nothing when it wakes up', async () => {
    const frozen = start()
    await frozen.ask({ do: 'hold', system: 'shop', run: 'one' })
    await frozen.ask({ do: 'append', run: 'one', entry: 'opened' })
    frozen.signal('SIGSTOP')
    const journal = await open()
    await eventually(
      () => readFileSync(`/proc/${frozen.pid}/stat`, 'utf8').includes(') T '),
      'the worker is stopped',
    )
    await expect(journal.hold('shop', us('two'))).rejects.toMatchObject({
      code: 'held',
      message: expect.stringContaining(`pid ${frozen.pid}`),
    })
    const hold = await journal.takeOver('shop', us('two'))
    await journal.append(hold, 'one', intent('swap'))
    frozen.tell({ do: 'append', run: 'one', entry: 'ended' })
    frozen.signal('SIGCONT')
    expect(await frozen.hear()).toMatchObject({
      code: 'held',
      message: expect.stringMatching(/taken over.*run two/),
    })
    expect(await frozen.ask({ do: 'release' })).toMatchObject({ ok: 0 })
    expect(await frozen.ask({ do: 'hold', system: 'shop', run: 'three' })).toMatchObject({
      code: 'held',
      message: expect.stringContaining('run two'),
    })
    await journal.append(hold, 'one', ended('swap'))
    expect((await journal.read('one')).map(({ entry, epoch }) => [entry.type, epoch])).toEqual([
      ['opened', 1],
      ['intent', 2],
      ['ended', 2],
    ])
  })

  it('stays with the one who took over when the frozen one dies', async () => {
    const frozen = start()
    await frozen.ask({ do: 'hold', system: 'shop', run: 'one' })
    const journal = await open()
    await journal.takeOver('shop', us('two'))
    await frozen.kill()
    expect(await start().ask({ do: 'hold', system: 'shop', run: 'three' })).toMatchObject({
      code: 'held',
      message: expect.stringContaining('run two'),
    })
  })

  it('goes to one of those who take over at the same moment', async () => {
    const journal = await open()
    await journal.hold('shop', us('one'))
    const rivals = Array.from({ length: 8 }, () => start())
    await Promise.all(rivals.map((rival) => rival.ask({ do: 'open' })))
    const answers = await Promise.all(
      rivals.map((rival, index) => rival.ask({ do: 'takeOver', system: 'shop', run: `rival-${index}` })),
    )
    // One after the other they may all succeed; then each takes over from the one before, and only the last can write.
    const written = await Promise.all(
      rivals.map((rival, index) => rival.ask({ do: 'append', run: `rival-${index}`, entry: 'opened' })),
    )
    const writers = written.flatMap((answer, index) => ('ok' in answer ? [index] : []))
    expect(writers).toHaveLength(1)
    const epochs = answers.flatMap((answer) => ('ok' in answer ? [answer.ok] : []))
    expect(new Set(epochs).size).toBe(epochs.length)
    expect(answers[writers[0] ?? -1]).toMatchObject({ ok: Math.max(...epochs) })
  })
})

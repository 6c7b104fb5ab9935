import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import { packagedBooks } from '../../src/cli/catalog.ts'
import type { RunbookError } from '../../src/kernel/errors.ts'
import { planOf } from '../../src/model/plan.ts'
import { fallbacksOf, type Runbook } from '../../src/model/runbook.ts'
import { missingSections, type Target } from '../../src/model/target.ts'
import { exclusionOf, overlap, refuseWhileOpen } from '../../src/run/engine/exclusion.ts'
import type { Holder } from '../../src/run/journal/entry.ts'
import type { Journal, JournalView, RunSummary } from '../../src/run/journal/journal.ts'
import { holderOf, leaseOf } from '../../src/run/journal/leases.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { release } from '../../src/run/release.ts'
import { acknowledge } from '../../src/run/watch.ts'
import {
  emptyJournal,
  fakeMachine,
  Killed,
  type FakeWorld,
  type KeptJournal,
} from '../../src/testing/index.ts'
import { fakeJournal } from '../../src/testing/journal.ts'
import { shop } from '../steps/fake-shop.ts'
import { shop as testable } from './readiness/healthy.ts'
import { alias, damagedBoth, till, tillWithWorker } from '../steps/fake-till.ts'
import { bookOf, put, target as bench } from './bench.ts'

const params = { strategy: 'beside' }

/** Changes a file and does not say that it changes nothing else, as every step of an earlier version. */
const unlimited = bookOf(({ step }) => void step('Put', put('/a', 'new')))

const site = () => {
  const world = damagedBoth()
  const journal = emptyJournal()
  let made = 0
  const on = (target: Target, book: Runbook = rollback) => {
    const own = (made += 1)
    // Runs that start at the same moment have names of their own, as on a real machine.
    const randomness = { bytes: (count: number) => new Uint8Array(count).fill(own) }
    return fakeMachine(world, { book, target, journal, around: { randomness } })
  }
  return { world, journal, on }
}
const started = (machine: ReturnType<typeof fakeMachine>, book: Runbook = rollback) =>
  machine.run(book === rollback ? params : {})

/** A run that was killed right after it was opened. */
async function opened(machine: ReturnType<typeof fakeMachine>, world: FakeWorld, book: Runbook) {
  world.faults.order('journal.append opened done', 'kill')
  await expect(started(machine, book)).rejects.toBeInstanceOf(Killed)
  machine.reboot()
}

const linesOf = (journal: KeptJournal): Promise<readonly RunSummary[]> => fakeJournal(journal).runs()

const packaged = await packagedBooks()

describe('what a run excludes', () => {
  it('is limited for the runbooks whose steps all say what they change', () => {
    const limited = packaged.filter(
      (book) =>
        missingSections(book.about, testable).length === 0 &&
        exclusionOf(planOf(book, testable, { ...fallbacksOf(book), export: '/x' })).only !== null,
    )
    expect(limited.map(({ name }) => name).sort()).toEqual([
      'diagnose',
      'find-good-backup',
      'full-db-rollback',
      'recover-records',
      'restore-test',
    ])
  })

  it('is the complete system for a step that does not say it, another engine, and a server of its own', () => {
    const only = (book: Runbook, target: Target) =>
      exclusionOf(planOf(book, target, book === rollback ? params : {})).only
    expect(only(unlimited, shop)).toBeNull()
    expect(only(unlimited, bench)).toBeNull()
    const { database } = shop
    const elsewhere = { ...database, via: { kind: 'server', host: 'h', port: 1, password: null } }
    expect(only(rollback, { ...shop, database: elsewhere } as unknown as Target)).toBeNull()
  })

  it('has the folder that rows are exported to', () => {
    const recover = packaged.find(({ name }) => name === 'recover-records')
    if (recover === undefined) throw new Error('there is no recover-records')
    const only = (target: Target, folder: string) =>
      exclusionOf(planOf(recover, target, { ...fallbacksOf(recover), tables: 'a:b', export: folder })).only
    expect(overlap(only(shop, '/one'), only(till, '/two'))).toBe(false)
    expect(overlap(only(shop, '/one'), only(till, '/one'))).toBe(true)
    expect(exclusionOf(planOf(recover, shop, fallbacksOf(recover))).only).toBeNull()
  })
})

const targets = { shop, alias, till, 'till-with-worker': tillWithWorker }
const books = { limited: rollback, unlimited }
type Case = readonly [keyof typeof targets, keyof typeof books, keyof typeof targets, keyof typeof books]
const pairs = Object.keys(targets).flatMap((first) =>
  Object.keys(books).flatMap((book) =>
    Object.keys(targets).flatMap((second) =>
      Object.keys(books).map((other) => [first, book, second, other] as Case),
    ),
  ),
)
const shared = (one: string, other: string): boolean =>
  one === other ||
  [one, other].every((name) => ['shop', 'alias'].includes(name)) ||
  [one, other].every((name) => name.startsWith('till')) ||
  [one, other].every((name) => name !== 'till')

describe('an open run', () => {
  it.each(pairs)('on %s (%s) and a start on %s (%s)', async (first, book, second, other) => {
    const { world, on } = site()
    await opened(on(targets[first], books[book]), world, books[book])
    const next = on(targets[second], books[other])
    const refused = book === 'unlimited' || other === 'unlimited' || shared(first, second)
    const message = expect.stringContaining(`${first} has an open run`) as string
    if (refused) await expect(started(next, books[other])).rejects.toMatchObject({ code: 'held', message })
    else expect(await started(next, books[other])).toMatchObject({ code: 'succeeded' })
    const { findings } = await next.dryRun(books[other] === rollback ? params : {})
    expect(findings.some(({ problem }) => problem.includes('has an open run'))).toBe(refused)
  })

  it('is waited for while a process works on it, and settled else', async () => {
    const line = {
      run: 'r1',
      system: 's',
      target: 'shop',
      runbook: 'b',
      mode: 'run',
      released: false,
      outcome: null,
    }
    const refused = (holder: Partial<Holder> | null) =>
      refuseWhileOpen({ runs: async () => [line], holder: async () => holder } as unknown as JournalView, {
        system: 's',
        target: 'shop',
        only: null,
      })
    const hint = (words: string) => ({ code: 'held', hint: expect.stringContaining(words) as string })
    await expect(refused({ run: 'r1', by: 'operator', host: 'h', pid: 7 })).rejects.toMatchObject(
      hint('it is running (operator on h, pid 7): wait for it'),
    )
    await expect(refused(null)).rejects.toMatchObject(hint('settle it first with'))
    await expect(refused({ run: 'another' })).rejects.toMatchObject(hint('settle it first with'))
  })

  it('whose journal is damaged excludes all on its system, until it is released', async () => {
    const { world, journal, on } = site()
    const first = on(shop)
    await opened(first, world, rollback)
    const run = first.entries[0]?.run ?? ''
    journal.heads.set(run, { seq: 7, hash: 'lost' })
    const refused = { code: 'held', message: expect.stringContaining(run) as string }
    await expect(started(on(till))).rejects.toMatchObject(refused)
    const [line] = await linesOf(journal)
    await release(first.reboot(), { run, lease: line?.system ?? '', reason: 'damaged', takeOver: false })
    expect(await started(on(till))).toMatchObject({ code: 'succeeded' })
  })
})

describe('two runs on two databases of one stack', () => {
  it('go on at the same time, each with its own holder', async () => {
    const { world, journal, on } = site()
    const [first, second] = [on(shop), on(till)]
    let other: Awaited<ReturnType<typeof second.run>> | undefined
    const holders: (string | undefined)[][] = []
    world.fleet.beforeChange = async (operation, service) => {
      if (operation === 'stop' && service === 'web') other ??= await started(second)
      if (operation === 'stop' && service === 'till')
        for (const line of await linesOf(journal)) {
          const held = await holderOf(fakeJournal(journal), line)
          holders.push([line.target, line.run === held?.holder.run ? 'itself' : undefined])
        }
    }
    expect(await started(first)).toMatchObject({ code: 'succeeded' })
    expect(other).toMatchObject({ code: 'succeeded' })
    expect(holders).toEqual([
      ['till', 'itself'],
      ['shop', 'itself'],
    ])
    const orders = (name: string) => world.server.databases.get(name)?.tables['orders']
    expect([orders('shop')?.length, orders('till')]).toEqual([2, [{ id: 9, total: 9 }]])
    expect((await linesOf(journal)).map(({ sealed }) => sealed)).toEqual([true, true])
    for (const { run } of await linesOf(journal)) await fakeJournal(journal).read(run)
  })

  it('and started at the same moment', async () => {
    const { journal, on } = site()
    const results = await Promise.all([started(on(shop)), started(on(till))])
    expect(results).toMatchObject([{ code: 'succeeded' }, { code: 'succeeded' }])
    expect(await linesOf(journal)).toHaveLength(2)
  })
})

describe('two starts at the same moment on what cannot be locked in its place', () => {
  it.each([
    ['shop', 'limited', 'alias', 'limited'],
    ['shop', 'limited', 'till-with-worker', 'limited'],
    ['shop', 'limited', 'till', 'unlimited'],
    ['till', 'unlimited', 'shop', 'limited'],
    ['shop', 'limited', 'shop', 'limited'],
  ] as readonly Case[])('%s (%s) and %s (%s): one goes on', async (first, book, second, other) => {
    const { world, journal, on } = site()
    for (const part of ['service web of shop', 'service worker of shop', 'database shop of shop/db'])
      world.locks.unavailable.set(part, 'permission denied')
    const ends = await Promise.allSettled([
      started(on(targets[first], books[book]), books[book]),
      started(on(targets[second], books[other]), books[other]),
    ])
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as RunbookError] : []))
    expect(refused).toMatchObject([{ code: 'held' }])
    expect(await linesOf(journal)).toMatchObject([{ outcome: 'succeeded' }])
  })
})

describe('the moment in which a run is opened', () => {
  const stranger = (run: string, more: Partial<Holder> = {}): Holder => ({
    by: 'anna',
    host: 'here',
    pid: 2,
    startTime: null,
    bootId: null,
    run,
    since: '2026-02-03T05:00:00.000Z',
    ...more,
  })
  const system = planOf(rollback, shop, params).plan.system

  it.each(['limited', 'unlimited'] as const)('is waited for by a %s start', async (book) => {
    const { world, journal, on } = site()
    const other: Journal = fakeJournal(journal, world.clock)
    const gate = await other.hold(system, stranger('other', { opening: true }))
    void world.clock.sleep(2_000).then(() => gate.release())
    expect(await started(on(shop, books[book]), books[book])).toMatchObject({ code: 'succeeded' })
  })

  it.each([
    ['a start that hangs', { opening: true }],
    ['a run of an earlier version, which holds the system', {}],
  ] as const)('refuses behind %s, and leaves nothing', async (_, more) => {
    const { world, journal, on } = site()
    await fakeJournal(journal, world.clock).hold(system, stranger('other', more))
    const machine = on(shop)
    await expect(started(machine)).rejects.toMatchObject({
      code: 'held',
      message: expect.stringContaining('held by run other') as string,
    })
    expect(journal.entries).toEqual([])
    expect(world.locks.held.size).toBe(0)
    expect([...machine.evidence.folders]).toEqual([])
    expect([...journal.systems.values()].filter(({ hold }) => hold !== null)).toHaveLength(1)
  })

  it.each(['journal.append opened', 'journal.append opened done'])('killed at "%s"', async (moment) => {
    const { world, journal, on } = site()
    world.faults.order(moment, 'kill')
    const machine = on(shop)
    await expect(started(machine)).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    expect([...journal.systems.values()].filter(({ hold }) => hold !== null)).toEqual([])
    expect(await started(on(till))).toMatchObject({ code: 'succeeded' })
    const own = started(on(shop))
    if (moment.endsWith('done')) await expect(own).rejects.toMatchObject({ code: 'held' })
    else expect(await own).toMatchObject({ code: 'succeeded' })
  })
})

describe('a run that excludes a part of its system', () => {
  const killed = async () => {
    const { world, journal, on } = site()
    const machine = on(shop)
    world.faults.order('databases.swap half-way', 'kill')
    await expect(started(machine)).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    const [line] = await linesOf(journal)
    if (line === undefined) throw new Error('there is no run')
    return { world, journal, on, machine, line }
  }

  it.each(['resume', 'rollback'] as const)('%s: all of it is written under one lease', async (way) => {
    const { journal, on, machine, line } = await killed()
    expect(await started(on(till))).toMatchObject({ code: 'succeeded' })
    // The newest run is the one that is continued.
    journal.entries.push(
      ...journal.entries
        .splice(0)
        .sort((one, other) => (one.run === line.run ? 1 : 0) - (other.run === line.run ? 1 : 0)),
    )
    expect(await machine[way]()).toMatchObject({ code: 'succeeded' })
    const entries = await fakeJournal(journal).read(line.run)
    const lease = leaseOf(stateOf(entries).opened)
    expect(lease).not.toBe(line.system)
    expect(journal.systems.get(lease)?.epoch).toBe(entries.at(-1)?.epoch)
  })

  it('is acknowledged, and released, under that lease', async () => {
    const { world, journal, machine, line, on } = await killed()
    const around = { ...machine.reboot(), journal: fakeJournal(journal, world.clock) }
    await acknowledge(around, line, 'mine')
    const lease = leaseOf(stateOf(await around.journal.read(line.run)).opened)
    await release(around, { run: line.run, lease, reason: 'by hand', takeOver: false })
    const entries = await fakeJournal(journal).read(line.run)
    expect(entries.map(({ entry }) => entry.type)).toEqual(
      expect.arrayContaining(['acknowledged', 'released']),
    )
    expect(await started(on(till))).toMatchObject({ code: 'succeeded' })
  })

  it('changes no file without its id in the name but the checklist', async () => {
    for (const strategy of ['beside', 'in-place']) {
      const { world, on } = site()
      const before = new Map(world.disk.files)
      const machine = on(shop)
      expect(await machine.run({ strategy })).toMatchObject({ code: 'succeeded' })
      const run = machine.entries[0]?.run ?? 'none'
      const changed = [...world.disk.files].flatMap(([path, body]) =>
        before.get(path) === body || path.includes(run) ? [] : [path],
      )
      expect(changed).toEqual(['/artifacts/checklist.md'])
    }
  })
})

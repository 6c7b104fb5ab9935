import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import {
  emptyJournal,
  fakeMachine,
  Killed,
  nobody,
  type FakeMachine,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { bench, put } from '../run/bench.ts'
import { badOrders, damagedShop, shop } from './fake-shop.ts'

const theirs = [{ id: 3, total: 3 }]

/** What another operator's run does once the locks of the dead one are free: it exchanges the live database. */
async function replacedByAnother(world: FakeWorld, how: 'beside' | 'in-place' = 'beside'): Promise<void> {
  const other = fakeMachine(world, {
    book: rollback,
    target: shop,
    journal: emptyJournal(),
    around: { randomness: { bytes: (count) => new Uint8Array(count).fill(77) } },
  })
  expect(await other.run({ strategy: how })).toMatchObject({ code: 'succeeded' })
  const live = world.server.databases.get('shop')
  if (live !== undefined) live.tables = { orders: theirs }
}

async function killedAt(
  moment: string,
  strategy: string,
  how: 'beside' | 'in-place' = 'beside',
): Promise<{ world: FakeWorld; machine: FakeMachine }> {
  const world = damagedShop()
  world.person = { ...nobody, restoreConfirm: 'YES' }
  const machine = fakeMachine(world, { book: rollback, target: shop })
  world.faults.order(moment, 'kill')
  await expect(machine.run({ strategy })).rejects.toBeInstanceOf(Killed)
  machine.reboot()
  await replacedByAnother(world, how)
  return { world, machine }
}

const live = (world: FakeWorld) => world.server.databases.get('shop')?.tables['orders']
const up = (world: FakeWorld) =>
  ['web', 'worker'].every((name) => world.fleet.services.get(name)?.instance?.state === 'running')

describe('a run that was killed before it replaced the live database, which another run replaced since', () => {
  it.each([
    ['beside', 'databases.restoreBeside half-way'],
    ['beside', 'services.stop'],
    ['in-place', 'services.stop'],
  ])('%s, killed at %s: goes back, and leaves the other data live', async (strategy, moment) => {
    const { world, machine } = await killedAt(moment, strategy)
    const result = await machine.resume()
    expect(live(world)).toEqual(theirs)
    expect(result).toMatchObject({
      code: 'failed',
      outcome: 'rolled-back',
      failure: {
        message: expect.stringContaining(
          'cannot replace the live shop: since it was compared, somebody else replaced it',
        ) as string,
      },
    })
    expect(up(world)).toBe(true)
  })

  it('after the intent of the exchange: stops in doubt, and the rollback leaves the other data live', async () => {
    const { world, machine } = await killedAt('databases.swap', 'beside')
    expect(await machine.resume()).toMatchObject({ code: 'in-doubt', outcome: 'needs-human' })
    expect(live(world)).toEqual(theirs)
    expect(await machine.rollback()).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect(live(world)).toEqual(theirs)
    expect(up(world)).toBe(true)
  })

  it('in place, after the intent of the restore: takes the other data for its own in no case', async () => {
    const { world, machine } = await killedAt('databases.restoreInPlace', 'in-place')
    expect(await machine.resume()).toMatchObject({
      code: 'in-doubt',
      failure: { message: expect.stringContaining('somebody else replaced it') as string },
    })
    expect(live(world)).toEqual(theirs)
    await machine.rollback().catch(() => undefined)
    expect(live(world)).toEqual(theirs)
  })

  it.each(['databases.dump done'])(
    'in place, killed at %s: the fallback is of another database, so nothing is replaced',
    async (moment) => {
      const { world, machine } = await killedAt(moment, 'in-place')
      const result = await machine.resume()
      expect(['failed', 'in-doubt']).toContain(result.code)
      expect(live(world)).toEqual(theirs)
      await machine.rollback().catch(() => undefined)
      expect(live(world)).toEqual(theirs)
    },
  )
})

describe('a live database into which another run restored in place, which stays the same database', () => {
  it.each([
    ['beside', 'databases.restoreBeside half-way'],
    ['beside', 'services.stop'],
    ['in-place', 'services.stop'],
  ])('%s, killed at %s: goes back, and leaves the other data live', async (strategy, moment) => {
    const { world, machine } = await killedAt(moment, strategy, 'in-place')
    expect(await machine.resume()).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        message: expect.stringContaining(
          'cannot replace the live shop: since it was compared, somebody else replaced it',
        ) as string,
      },
    })
    expect(live(world)).toEqual(theirs)
    expect(up(world)).toBe(true)
  })

  it.each(['resume', 'rollback'] as const)(
    'in place, once this run had restored: %s takes their data for its own in no case',
    async (how) => {
      const { world, machine } = await killedAt('services.start', 'in-place', 'in-place')
      for (const _again of [1, 2])
        expect(await machine[how]()).toMatchObject({
          code: 'in-doubt',
          failure: {
            message: expect.stringMatching(
              /^most tables of shop are not those that this run left there: somebody else restored into it/,
            ) as string,
          },
        })
      expect(live(world)).toEqual(theirs)
    },
  )

  it('in place: a table that the application created since keeps no rollback from going on', async () => {
    const world = damagedShop()
    world.person = { ...nobody, restoreConfirm: 'YES' }
    const machine = fakeMachine(world, { book: rollback, target: shop })
    world.faults.order('services.start done', 'kill')
    await expect(machine.run({ strategy: 'in-place' })).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    const shopNow = world.server.databases.get('shop')
    if (shopNow !== undefined) shopNow.tables = { ...shopNow.tables, migrated: [{ id: 1 }] }
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(live(world)).toEqual(badOrders)
  })

  it('in place: its own undo, killed half-way, is no restore of another', async () => {
    const world = damagedShop()
    world.person = { ...nobody, restoreConfirm: 'YES' }
    const machine = fakeMachine(world, { book: rollback, target: shop })
    world.faults.order('services.start', 'kill')
    await expect(machine.run({ strategy: 'in-place' })).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    world.faults.order('databases.restoreInPlace done', 'kill')
    await expect(machine.rollback()).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    // As where only half of it was committed.
    const shopNow = world.server.databases.get('shop')
    if (shopNow !== undefined) shopNow.tables = { orders: [] }
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(live(world)).toEqual(badOrders)
  })
})

describe('a step that an earlier process began and that is not there', () => {
  it.each([true, false])(
    'is run again only if its guards say that nothing was replaced: %s',
    async (fine) => {
      const guard = async () => {
        if (!fine) throw new RunbookError('in-doubt', '/a is of somebody else', { hint: 'ask them' })
      }
      const { machine, world } = bench(({ step }) => {
        step(
          'Put',
          put('/a', 'new', {
            undoGuards: () => [{ of: ['/a'], check: guard }],
          }),
        )
      })
      world.faults.order('files.write', 'kill')
      await expect(machine.run()).rejects.toBeInstanceOf(Killed)
      const result = await machine.resume()
      if (fine) expect(result).toMatchObject({ code: 'succeeded' })
      else
        expect(result).toMatchObject({
          code: 'in-doubt',
          failure: { message: expect.stringContaining('/a is of somebody else') as string },
        })
    },
  )
})

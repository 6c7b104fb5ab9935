import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import { param, runbook } from '../../src/index.ts'
import { planOf } from '../../src/model/plan.ts'
import { resume } from '../../src/run/resume.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import type { Database } from '../../src/drivers/databases.ts'
import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  fakeMachine,
  Killed,
  lay,
  nobody,
  type FakeDatabase,
  type FakeMachine,
  type FakeWorld,
} from '../../src/testing/index.ts'
import {
  assertCopy,
  assertRestored,
  restoreBeside,
  stopServices,
  swapDatabase,
  verifyDump,
  type ProvenCopy,
} from '../../steps/index.ts'
import { badOrders, damagedShop, goodOrders, shop } from './fake-shop.ts'

const target = (engine: Database['engine']): Target =>
  engine === 'postgres'
    ? shop
    : ({
        ...shop,
        database: { ...shop.database, engine, file: '/srv/data/shop.db' },
        backups: { ...shop.backups, pattern: 'shop-{time}.db', checksums: 'if-present' },
      } as unknown as Target)

function worldOf(engine: Database['engine']): FakeWorld {
  const world = damagedShop()
  world.person = { ...nobody, restoreConfirm: 'YES' }
  if (engine === 'sqlite') {
    Object.assign(world.server, { engine, version: '3.46.0' })
    const tables = { orders: goodOrders }
    lay(
      world.disk,
      '/backups/db/shop-20260203_040000.db',
      dumpBytes({ engine, major: 3, database: null, takenAt: null, tables, roles: [], extensions: [] }),
    )
  }
  return world
}

const copyIn = ({ server }: FakeWorld): FakeDatabase => {
  const copy = [...server.databases].find(([name]) => name.includes('__rb_'))?.[1]
  if (copy === undefined) throw new Error('there is no copy')
  return copy
}

/** Half of the rows of the copy are deleted, which all assertions allow. A superuser has to open it first, if it is closed. */
function alter(world: FakeWorld): void {
  const copy = copyIn(world)
  copy.tables = { orders: goodOrders.slice(1) }
  if (copy.closed === true) Object.assign(copy, { closed: false, version: (copy.version ?? 0) + 100 })
}

async function killedAt(moment: string, engine: Database['engine']) {
  const world = worldOf(engine)
  const machine = fakeMachine(world, { book: rollback, target: target(engine) })
  world.faults.order(moment, 'kill')
  await expect(machine.run({ strategy: 'beside' })).rejects.toBeInstanceOf(Killed)
  machine.reboot()
  return { world, machine }
}

const live = (world: FakeWorld) => world.server.databases.get('shop')?.tables['orders']
const copies = (world: FakeWorld) => [...world.server.databases.keys()].filter((name) => name !== 'shop')
const states = (world: FakeWorld) =>
  ['web', 'worker'].map((name) => world.fleet.services.get(name)?.instance?.state)
const asBefore = (world: FakeWorld) => {
  expect(live(world)).toEqual(badOrders)
  expect(copies(world)).toEqual([])
  expect(states(world)).toEqual(['running', 'running'])
}

describe.each(['postgres', 'sqlite'] as const)(
  'a copy in %s that somebody wrote to since it was checked',
  (engine) => {
    it.each([
      ['before the writers stop', 'services.stop', ['running', 'running']],
      ['when they have stopped', 'services.stop done', ['stopped', 'stopped']],
    ])('keeps a resume %s from going on; the rollback drops it', async (_, moment, found) => {
      const { world, machine } = await killedAt(moment, engine)
      alter(world)
      for (const _again of [1, 2]) {
        expect(await machine.resume()).toMatchObject({
          code: 'in-doubt',
          outcome: 'needs-human',
          failure: {
            message: expect.stringMatching(
              /the live shop: since it was checked, somebody .*found before the run went on/,
            ) as string,
            hint: expect.stringContaining('`runbook rollback ') as string,
          },
        })
        expect(live(world)).toEqual(badOrders)
        expect(states(world)).toEqual(found)
      }
      expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
      asBefore(world)
    })

    it('does not go live where the run was killed right before the exchange', async () => {
      const { world, machine } = await killedAt('databases.swap', engine)
      alter(world)
      expect(await machine.resume()).toMatchObject({
        outcome: 'rolled-back',
        failure: { code: 'verification', message: expect.stringContaining('since it was checked') as string },
      })
      asBefore(world)
    })

    it('does not go live where somebody put another one in its place', async () => {
      const { world, machine } = await killedAt('services.stop', engine)
      Object.assign(copyIn(world), { generation: 'of another' })
      expect(await machine.resume()).toMatchObject({
        code: 'in-doubt',
        failure: { message: expect.stringContaining('not the one that this run put there') as string },
      })
      expect(live(world)).toEqual(badOrders)
    })

    it('is named by the rollback, which leaves it, and so is the one that was renamed', async () => {
      const { world, machine } = await killedAt('services.stop done', engine)
      const { databases } = world.server
      const [name = ''] = copies(world)
      databases.set('hidden', { ...copyIn(world) })
      databases.set(name, { tables: { mine: [] }, generation: 'of another', owner: 'app' })
      expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
      expect(live(world)).toEqual(badOrders)
      expect(states(world)).toEqual(['running', 'running'])
      expect(databases.get(name)?.tables).toEqual({ mine: [] })
      expect(stateOf(machine.entries).remains).toEqual([
        `${name} stays: it is not the copy that this run made, but one that somebody else put in its place`,
        'the copy that this run made is kept: somebody renamed it to hidden, and nothing drops it there',
      ])
    })

    it('is checked again where the run was killed while it checked', async () => {
      const { world, machine } = await killedAt('databases.readExclusively half-way', engine)
      expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
      expect(live(world)).toEqual(goodOrders)
    })

    it('goes live where nobody touched it', async () => {
      const { world, machine } = await killedAt('services.stop', engine)
      expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
      expect(live(world)).toEqual(goodOrders)
    })
  },
)

it('no session can connect to a copy that was checked until it is live', async () => {
  const { world, machine } = await killedAt('services.stop', 'postgres')
  expect(copyIn(world).closed).toBe(true)
  await machine.resume()
  expect(world.server.databases.get('shop')).not.toHaveProperty('closed')
})

it('a copy that somebody renamed is named by the rollback', async () => {
  const { world, machine } = await killedAt('services.stop', 'postgres')
  const [name = ''] = copies(world)
  world.server.databases.set('hidden', { ...copyIn(world) })
  world.server.databases.delete(name)
  expect(await machine.resume()).toMatchObject({
    code: 'in-doubt',
    failure: { message: expect.stringContaining('it has gone from beside shop') as string },
  })
  expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  expect(stateOf(machine.entries).remains).toEqual([expect.stringContaining('renamed it to hidden')])
})

it('a copy of SQLite is not said to be dropped where the live file was moved to another folder', async () => {
  const { world, machine } = await killedAt('services.stop', 'sqlite')
  const [[name, copy] = ['', undefined]] = [...world.server.databases].filter(([one]) => one !== 'shop')
  const { host } = world.server
  world.server.databases.delete(name)
  Object.assign(world.server, { host: 'elsewhere' })
  expect(await machine.rollback()).toMatchObject({
    code: 'rollback-incomplete',
    failure: { message: expect.stringContaining(`${name} may still be in the former one`) as string },
  })
  expect(states(world)).toEqual(['running', 'running'])
  Object.assign(world.server, { host })
  if (copy !== undefined) world.server.databases.set(name, copy)
  expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  asBefore(world)
})

/** As the versions before did it, and as it is now. */
const bookOf = (checks: 'as before' | 'now') =>
  runbook(
    'swap-in',
    {
      title: 'Swap a copy in',
      when: 'A run of an earlier version is open.',
      needs: ['database', 'backups', 'writers', 'assertions'],
      params: { file: param.path('Dump').optional('the newest') },
    },
    ({ target: { database, backups, writers: services, assertions }, params, step }) => {
      const archive = step(
        'Verify',
        verifyDump({ database, from: backups, file: params.file, takenBefore: null }),
      )
      const copy = step('Restore', restoreBeside({ database, archive }))
      const input = { database, copy, archive, assertions }
      const staged = step('Assert', checks === 'now' ? assertCopy(input) : (assertRestored(input) as never), {
        id: 'assert',
      }) as unknown as ProvenCopy
      const writers = step('Stop', stopServices({ services }))
      step('Swap', swapDatabase({ database, staged, writers, services }))
    },
  )

/** A run of an earlier version that was killed once the copy was checked, which today's resumes. */
async function earlier(
  engine: Database['engine'],
  meddle: (world: FakeWorld) => void,
  {
    killed = ['services.stop', 1],
    again,
  }: { readonly killed?: readonly [string, number]; readonly again?: string } = {},
) {
  const world = worldOf(engine)
  const of = {
    ...target(engine),
    assertions: [{ name: 'the sum', sql: 'select sum(total) from orders', expect: { atLeast: 1 } }],
  }
  const machine: FakeMachine = fakeMachine(world, { book: bookOf('as before'), target: of })
  world.faults.order(killed[0], 'kill', killed[1])
  await expect(machine.run({})).rejects.toBeInstanceOf(Killed)
  machine.reboot()
  meddle(world)
  const today = fakeMachine(world, { book: bookOf('now'), target: of, journal: machine.journal })
  const [opened] = machine.entries
  if (opened?.entry.type !== 'opened') throw new Error('no run was opened')
  const { run } = opened
  const goOn = () =>
    resume(today.reboot(), {
      run,
      way: 'forward',
      planned: planOf(bookOf('now'), of, {}),
      accepted: 'a newer version of the program',
    })
  if (again !== undefined) {
    world.faults.order(again, 'kill')
    await expect(goOn()).rejects.toBeInstanceOf(Killed)
    world.faults.revive()
  }
  const result = await goOn()
  return { world, result, remains: stateOf(machine.entries).remains }
}

describe.each(['postgres', 'sqlite'] as const)('a run of an earlier version in %s', (engine) => {
  it('goes on, and ends with what it does not know', async () => {
    const { world, result, remains } = await earlier(engine, () => undefined)
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(live(world)).toEqual(goodOrders)
    expect(remains).toEqual([expect.stringMatching(/whether somebody changed rows in between is unknown/)])
  })

  it('asks its assertions again before it stops anything', async () => {
    const change = (world: FakeWorld): void => {
      const copy = copyIn(world)
      copy.tables = { orders: goodOrders.map((order) => ({ ...order, total: order.total + 1 })) }
    }
    const { world, result, remains } = await earlier(engine, change, { killed: ['journal.append intent', 4] })
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        code: 'verification',
        message: expect.stringMatching(
          /somebody wrote to it: "the sum" found 14 instead of 12; this was found before anything was stopped$/,
        ) as string,
      },
    })
    expect(world.faults.reached).not.toContain('services.stop')
    asBefore(world)
    expect(remains).toEqual([])
  })

  it('does not lose what it does not know where it is killed between the swap and its record', async () => {
    const { world, result, remains } = await earlier(engine, () => undefined, {
      again: 'databases.swap done',
    })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(live(world)).toEqual(goodOrders)
    expect(remains).toEqual([expect.stringMatching(/whether somebody changed rows in between is unknown/)])
  })

  it('does not make a copy live that has other rows than it was checked with', async () => {
    const { world, result, remains } = await earlier(engine, alter)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        code: 'verification',
        message: expect.stringMatching(/since it was checked, somebody wrote to it: orders/) as string,
      },
    })
    asBefore(world)
    expect(remains).toEqual([])
  })
})

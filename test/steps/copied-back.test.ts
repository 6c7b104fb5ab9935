import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Target } from '../../src/model/target.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import {
  dumpBytes,
  fakeMachine,
  Killed,
  lay,
  nobody,
  type FakeTables,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { badOrders, damagedShop, goodOrders, shop } from './fake-shop.ts'

const file = '/srv/data/shop.db'
const target = {
  ...shop,
  database: { ...shop.database, engine: 'sqlite', file },
  backups: { ...shop.backups, pattern: 'shop-{time}.db', checksums: 'if-present' },
} as unknown as Target

const live = ({ server }: FakeWorld) => server.databases.get('shop')

/** A run whose data is live, and that was killed in its health checks. */
async function dead() {
  const world = damagedShop()
  world.person = { ...nobody, restoreConfirm: 'YES' }
  Object.assign(world.server, { engine: 'sqlite', version: '3.46.0' })
  const tables = { orders: goodOrders }
  lay(
    world.disk,
    '/backups/db/shop-20260203_040000.db',
    dumpBytes({
      engine: 'sqlite',
      major: 3,
      database: null,
      takenAt: null,
      tables,
      roles: [],
      extensions: [],
    }),
  )
  const machine = fakeMachine(world, { book: rollback, target })
  world.faults.order('http.get', 'kill')
  await expect(machine.run({ strategy: 'beside' })).rejects.toBeInstanceOf(Killed)
  machine.reboot()
  expect(live(world)?.tables).toEqual(tables)
  return { world, machine }
}

/** As `cp` and `mv` do: the same name, another file. */
const copiedBack = ({ server }: FakeWorld, tables: FakeTables): void =>
  void server.databases.set('shop', { tables, generation: 'another inode', owner: 'app' })

const inDoubt = (says: RegExp) => ({
  code: 'in-doubt',
  outcome: 'needs-human',
  failure: {
    message: expect.stringMatching(says) as string,
    hint: expect.stringMatching(
      /mv \/srv\/data\/shop\.db \/srv\/data\/shop\.db\.theirs; .*`runbook rollback /,
    ) as string,
  },
})

describe('a live file of SQLite that somebody copied back under its own name', () => {
  it('is named as the old data by a resume, and the rollback goes on from there', async () => {
    const { world, machine } = await dead()
    copiedBack(world, { orders: badOrders })
    expect(await machine.resume()).toMatchObject(
      inDoubt(/^the database shop is not the one .*; it has exactly the rows of the old database shop__old_/),
    )
    expect(live(world)?.generation).toBe('another inode')
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(live(world)).toMatchObject({ tables: { orders: badOrders }, generation: 'created 0' })
    const [kept = ''] = [...world.server.databases.keys()].filter((name) => name.includes('__kept_'))
    expect(world.server.databases.get(kept)?.generation).toBe('another inode')
    expect(JSON.stringify(stateOf(machine.entries).remains)).toContain(kept)
  })

  it.each([
    ['as many rows', goodOrders, /as many rows in each table as what this run put there, and .* is unknown/],
    ['other rows', goodOrders.slice(1), /beside what this run put there it has orders \d+ rows? instead of/],
  ] as const)('with %s leaves both ways in doubt, until it is moved away', async (_, orders, says) => {
    const { world, machine } = await dead()
    copiedBack(world, { orders })
    expect(await machine.resume()).toMatchObject(inDoubt(says))
    expect(await machine.rollback()).toMatchObject(inDoubt(says))
    expect(live(world)?.tables).toEqual({ orders })
    // As the hint says.
    world.server.databases.delete('shop')
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(live(world)).toMatchObject({ tables: { orders: badOrders }, generation: 'created 0' })
  })

  it('that is moved away lets no resume go on, and the rollback ends', async () => {
    const { world, machine } = await dead()
    world.server.databases.delete('shop')
    expect(await machine.resume()).toMatchObject({
      code: 'in-doubt',
      failure: { message: expect.stringMatching(/^the live database shop is gone/) as string },
    })
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(live(world)?.tables).toEqual({ orders: badOrders })
  })
})

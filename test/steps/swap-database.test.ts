import { describe, expect, it } from 'vitest'
import type { Database } from '../../src/drivers/databases.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { pending } from '../../src/model/pending.ts'
import { acts, type Finding } from '../../src/model/step.ts'
import { lay, type FakeDatabase, type FakeWorld } from '../../src/testing/index.ts'
import { recordReplaced, requireFit, swapDatabase } from '../../steps/index.ts'
import { badOrders, damagedShop, goodOrders, shop } from './fake-shop.ts'
import { alone, handsOn, opened } from './hands.ts'
import { provenCopyOf } from './proven-copy.ts'

const shopDatabase = shop.database as Database
const fileOfShop = { ...shopDatabase, engine: 'sqlite', file: '/srv/data/shop.db' } as unknown as Database
const services = shop.writers as NonNullable<typeof shop.writers>

/** A swap of the damaged shop, ready to run. */
async function swapOf(world: FakeWorld, database = shopDatabase) {
  const hands = handsOn(world)
  await hands.io.services.stop(services, 1)
  const archive = await hands.look.databases.inspect(shopDatabase, '/backups/db/shop-20260203_040000.dump')
  await hands.io.databases.restoreBeside(shopDatabase, archive, 'shop__rb')
  // The backups of the shop are those of a server.
  Object.assign(world.server, { engine: database.engine })
  const { step, input } = opened(
    swapDatabase({
      database,
      staged: await provenCopyOf(hands.io.databases, database, 'shop__rb'),
      writers: { names: services.names, stoppedAt: '2026-02-03T05:00:00Z' },
      services,
    }),
  )
  if (!acts(step)) throw new Error('it does not act')
  const probe = (before: Json, way: 'forward' | 'back' = 'back') =>
    step.probe(hands.look, { input, before, way })
  return { ...hands, step, input, probe }
}

const oldIn = (world: FakeWorld): [string, FakeDatabase] => {
  const old = [...world.server.databases].find(([name]) => name.includes('__old_'))
  if (old === undefined) throw new Error('the old database is gone')
  return old
}

describe('a swap where the server keeps sessions out of the old database', () => {
  const done = async () => {
    const world = damagedShop()
    const swap = await swapOf(world)
    const before = (await swap.step.survey(swap.look, swap.input)) as Json
    const output = (await swap.step.run(swap.io, { input: swap.input, before })) as Json
    const [name] = oldIn(world)
    const database = swap.input['database'] as Database
    const undo = (told: boolean) =>
      swap.step.undo?.(swap.io, { input: swap.input, before, output: told ? output : undefined })
    return { ...swap, world, before, output, name, database, undo }
  }

  it('reads no row of it, going and coming back', async () => {
    const { world, before, undo, probe } = await done()
    await undo(true)
    expect(await probe(before)).toEqual({ is: 'absent' })
    expect(world.faults.reached).not.toContain('databases.fingerprint')
  })

  it('leaves it closed until its undo is proven', async () => {
    const { world, before, output, name, database, undo, probe, step, io, input } = await done()
    await expect(io.databases.fingerprint(database, name)).rejects.toThrow('closed')
    await undo(true)
    expect(world.server.databases.get('shop')?.closed).toBe(true)
    expect(await probe(before)).toEqual({ is: 'absent' })
    await step.afterUndo?.(io, { input, before, output })
    expect(world.server.databases.get('shop')).toMatchObject({ tables: { orders: badOrders } })
    expect(world.server.databases.get('shop')).not.toHaveProperty('closed')
  })

  it.each([
    ['and stays open', false, true],
    ['and stays open, and the run did not record its output', false, false],
    ['and is closed again', true, true],
    ['and is closed again, and the run did not record its output', true, false],
  ])('is not proven where somebody opened it, %s', async (_, closes, told) => {
    const { world, before, name, database, undo, probe, io } = await done()
    await io.databases.open(database, name)
    const [, old] = oldIn(world)
    old.tables = { orders: badOrders.slice(1) }
    if (closes) Object.assign(old, { closed: true })
    await undo(told)
    expect(await probe(before)).toEqual({
      is: 'torn',
      why: expect.stringContaining('somebody opened it to sessions while it was put aside') as string,
    })
  })

  it('is not proven where another database has the name', async () => {
    const { world, before, undo, probe } = await done()
    await undo(true)
    Object.assign(world.server.databases.get('shop') as object, { generation: 'of another' })
    expect(await probe(before)).toMatchObject({
      is: 'torn',
      why: expect.stringContaining('is not the old database') as string,
    })
  })

  it('is proven where the swap only closed it, and where it never began', async () => {
    const world = damagedShop()
    const { step, input, io, look, probe } = await swapOf(world)
    const before = (await step.survey(look, input)) as Json
    expect(await probe(before)).toEqual({ is: 'absent' })
    world.faults.order('databases.swap half-way', 'fail')
    await expect(step.run(io, { input, before })).rejects.toThrow()
    expect(world.server.databases.get('shop')?.closed).toBe(true)
    expect(await probe(before, 'forward')).toEqual({ is: 'absent' })
    expect(await probe(before)).toEqual({ is: 'absent' })
    await step.afterUndo?.(io, { input, before, output: undefined })
    expect(world.server.databases.get('shop')).not.toHaveProperty('closed')
  })
})

it.each([
  ['as it was', 'postgres', null, { readable: true }],
  ['damaged', 'postgres', 'verification', { oldData: null, readable: false }],
  ['a damaged file', 'sqlite', 'failed', { oldData: null, readable: false }],
] as const)('records what the replaced database holds: %s', async (_, engine, code, recorded) => {
  const world = damagedShop()
  const { io, notes } = handsOn(world)
  const { step, input } = opened(
    recordReplaced({
      database: { ...shopDatabase, engine, file: '/srv/data/shop.db' } as Database,
      replaced: { name: 'shop' },
      restored: [{ table: 'orders', rows: 2 }],
    }),
  )
  const databases = new Proxy(io.databases, {
    get: (all, name) =>
      name === 'fingerprint' && code !== null
        ? () => Promise.reject(new RunbookError(code, 'could not read block 3'))
        : Reflect.get(all, name),
  })
  expect(await step.run({ ...io, databases } as never, input as never)).toMatchObject(recorded)
  if (code !== null) expect(notes.join()).toContain('too damaged to be read, so it is kept as it is')
})

it('does not take a lost connection for damage of the replaced database', async () => {
  const world = damagedShop()
  const { io } = handsOn(world)
  const { step, input } = opened(
    recordReplaced({ database: shopDatabase, replaced: { name: 'shop' }, restored: [] }),
  )
  world.faults.order('databases.fingerprint', 'fail')
  await expect(step.run(io as never, input as never)).rejects.toThrow('ordered by the test')
})

describe('a swap of a file of SQLite', () => {
  const done = async () => {
    const world = damagedShop()
    const { step, input: of, look, io, notes } = await swapOf(world, fileOfShop)
    const before = (await step.survey(look, of)) as Json
    const output = (await step.run(io, { input: of, before })) as Json
    const undo = async (told: boolean) => {
      const act = { input: of, before, output: told ? output : undefined }
      for (const { check } of step.undoGuards?.(act) ?? []) await check(look, 'back')
      await step.undo?.(io, act)
    }
    const back = () => step.probe(look, { input: of, before, way: 'back' })
    return { world, output, notes, undo, back }
  }

  it.each([true, false])(
    'is proven by its version, and reads no row of it (output recorded: %s)',
    async (told) => {
      const { world, output, notes, undo, back } = await done()
      expect(output).toMatchObject({
        oldData: null,
        readable: true,
        fileVersion: expect.any(String) as string,
      })
      await undo(told)
      expect(await back()).toEqual({ is: 'absent' })
      expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
      expect(world.faults.reached).not.toContain('databases.fingerprint')
      expect(notes.join()).not.toContain('somebody else')
    },
  )

  it.each([true, false])(
    'is in doubt where it was written to while it was aside (output recorded: %s)',
    async (told) => {
      const { world, undo } = await done()
      oldIn(world)[1].tables = { orders: badOrders.slice(1) }
      await expect(undo(told)).rejects.toMatchObject({
        code: 'in-doubt',
        message: expect.stringContaining('was written to while it was put aside') as string,
      })
      expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
    },
  )

  it('is in doubt while a log beside it has content', async () => {
    const { world, undo } = await done()
    oldIn(world)[1].log = true
    await expect(undo(true)).rejects.toMatchObject({ code: 'in-doubt' })
  })

  it('is undone where others write to it once it is live again, and says so', async () => {
    const { world, notes, undo, back } = await done()
    await undo(true)
    Object.assign(world.server.databases.get('shop') as object, { tables: { orders: [] } })
    expect(await back()).toEqual({ is: 'absent' })
    expect(notes.join()).toContain('somebody else has written to it')
    Object.assign(world.server.databases.get('shop') as object, { generation: 'of another' })
    expect(await back()).toMatchObject({
      is: 'torn',
      why: expect.stringContaining('is not the old') as string,
    })
  })
})

// A file with a log is proven by all rows, as are swaps in journals of earlier versions.
describe.each(['SQLite', 'an earlier version'] as const)('a swap of %s', (by) => {
  const done = async () => {
    const world = damagedShop()
    const swap = await swapOf(world, by === 'SQLite' ? fileOfShop : shopDatabase)
    if (by === 'SQLite') Object.assign(world.server.databases.get('shop') as object, { log: true })
    const { input } = swap
    const print = await swap.look.databases.fingerprint(input['database'] as Database, 'shop')
    const {
      listing: _,
      fileVersion: __,
      ...surveyed
    } = (await swap.step.survey(swap.look, input)) as JsonObject
    const before = { ...surveyed, print }
    await swap.step.run(swap.io, { input, before })
    const probe = () => swap.step.probe(swap.look, { input, before, way: 'back' })
    const undo = () => swap.step.undo?.(swap.io, { input, before, output: undefined })
    return { ...swap, world, input, before, probe, undo }
  }

  it('is undone to the old data, and to nothing less', async () => {
    const { world, probe, undo } = await done()
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
    oldIn(world)[1].tables = { orders: [] }
    await undo()
    expect(await probe()).toEqual({
      is: 'torn',
      why: expect.stringContaining('the live data differs from the old data: orders') as string,
    })
  })

  it.each([
    ['orders 2 rows instead of 1 (+1)', [...badOrders, { id: 9, total: 9 }]],
    ['orders with other rows', badOrders.map((order) => ({ ...order, total: 77 }))],
  ])('is undone where others wrote to the old database, and says so: %s', async (what, rows) => {
    const { world, notes, probe, undo } = await done()
    oldIn(world)[1].tables = { orders: rows }
    await undo()
    expect(await probe()).toEqual({ is: 'absent' })
    expect(notes.join()).toContain(`to which somebody else wrote meanwhile: ${what}`)
  })

  it('is undone where the old data was damaged meanwhile', async () => {
    const { world, step, io, look, input, before, notes, undo } = await done()
    await undo()
    const damaged = new RunbookError('verification', 'could not read block 3')
    const databases = new Proxy(io.databases, {
      get: (all, name) => (name === 'fingerprint' ? () => Promise.reject(damaged) : Reflect.get(all, name)),
    })
    const back = () => step.probe({ ...look, databases }, { input, before, way: 'back' })
    expect(await back()).toEqual({ is: 'absent' })
    expect(notes.join()).toContain('could not read block 3')
    Object.assign(world.server.databases.get('shop') as object, { generation: 'of another' })
    expect(await back()).toMatchObject({ is: 'torn' })
  })
})

it('a swap of a damaged file that cannot be read', async () => {
  const world = damagedShop()
  const { step, input: of, ...hands } = await swapOf(world, fileOfShop)
  Object.assign(world.server.databases.get('shop') as object, { log: true })
  const damaged = new RunbookError('failed', 'the image is malformed')
  const databases = new Proxy(hands.io.databases, {
    get: (all, name) => (name === 'fingerprint' ? () => Promise.reject(damaged) : Reflect.get(all, name)),
  })
  const [look, io] = [
    { ...hands.look, databases },
    { ...hands.io, databases },
  ]
  const before = (await step.survey(look, of)) as Json
  expect(await step.run(io, { input: of, before })).toMatchObject({ oldData: null, readable: false })
  expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
  await step.undo?.(io, { input: of, before, output: undefined })
  const back = () => step.probe(look, { input: of, before, way: 'back' })
  expect(await back()).toEqual({ is: 'absent' })
  expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
  Object.assign(world.server.databases.get('shop') as object, { generation: 'of another' })
  expect(await back()).toMatchObject({ is: 'torn', why: expect.stringContaining('is not the old') as string })
})

it.each(['survey', 'run', 'undo'] as const)(
  'a swap is refused at its %s while a writer runs again',
  async (when) => {
    const world = damagedShop()
    const { step, input, io, look } = await swapOf(world)
    const again = (): Promise<void> => io.services.start({ ...services, names: ['worker'] })
    if (when === 'survey') await again()
    const before = step.survey(look, input)
    if (when === 'survey') {
      await expect(before).rejects.toThrow('worker is running again')
      return
    }
    const was = (await before) as Json
    if (when === 'run') await again()
    const run = step.run(io, { input, before: was })
    if (when === 'run') {
      await expect(run).rejects.toThrow('worker is running again')
      expect(world.faults.reached).not.toContain('databases.swap')
      return
    }
    await run
    await again()
    await expect(step.undo?.(io, { input, before: was, output: undefined })).rejects.toThrow(
      'worker is running again',
    )
  },
)

describe('a SQLite file that cannot be exchanged', () => {
  const file = '/srv/data/shop.db'
  const later = pending('a step that has not run')
  const sqlite = { engine: 'sqlite', name: 'shop', file } as unknown as Database
  const findings = async (change: (world: FakeWorld) => void, step: unknown): Promise<readonly Finding[]> => {
    const world = damagedShop()
    Object.assign(world.server, { engine: 'sqlite' })
    lay(world.disk, file, 'SQLite format 3')
    change(world)
    const { step: made, input } = opened(step)
    return (await made.preflight?.(handsOn(world).look, input, alone)) ?? []
  }
  const swap = swapDatabase({ database: sqlite, staged: later, writers: later, services: later } as never)
  const mount = { device: 1, type: 'ext4', source: '/dev/sda1', bytesTotal: 1e9, freeBytes: 1e9, dead: false }

  it('because it is mounted by itself is found before writers stop', async () => {
    const found = await findings(({ disk }) => void disk.mounts.set(file, mount), swap)
    expect(found).toMatchObject([
      { level: 'refuse', problem: `${file} is a mount point itself, so it cannot be exchanged by renaming` },
    ])
    expect(await findings(({ disk }) => void disk.mounts.set('/srv/data', mount), swap)).toEqual([])
    // Where mounts cannot be read, the exchange itself shows it.
    const dead = { ...mount, dead: true }
    expect(await findings(({ disk }) => void disk.mounts.set(file, dead), swap)).toEqual([])
  })

  it('because it cannot be written to is not called a standby', async () => {
    const fit = requireFit({ database: sqlite, archive: later } as never)
    const found = await findings(({ server }) => void Object.assign(server, { acceptsWrites: false }), fit)
    expect(found).toMatchObject([
      {
        level: 'refuse',
        problem: `${file} cannot be written to`,
        hint: expect.stringContaining('lsattr') as string,
      },
    ])
  })
})

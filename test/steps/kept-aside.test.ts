import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Database } from '../../src/drivers/databases.ts'
import { sha256, type Json } from '../../src/kernel/json.ts'
import { acts } from '../../src/model/step.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { readDump } from '../../src/testing/fake-dump.ts'
import {
  dumpBytes,
  emptyDisk,
  fakeMachine,
  fakeServer,
  fakeWorld,
  Killed,
  lay,
  layInVolume,
  noVolumes,
  runningFleet,
  type FakeMachine,
  type FakeTables,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { endingText } from '../../src/views/ending.ts'
import { reportOf } from '../../src/views/report.ts'
import { swapVolumeDatabase } from '../../steps/index.ts'
import { keptDatabasesOf } from '../../steps/retention/lib/kept-databases.ts'
import { dumpsOf } from '../../steps/retention/lib/dumps.ts'
import { differencesOf, newerRows } from '../../steps/databases/lib/newer-rows.ts'
import recover from '../../runbooks/recover-records.ts'
import { badOrders, damagedShop, goodOrders, shop } from './fake-shop.ts'
import { handsOn, opened, sentenceOf } from './hands.ts'

const database = shop.database as Database
const retention = shop.retention as NonNullable<typeof shop.retention>

type Scene = { readonly world: FakeWorld; readonly machine: FakeMachine; readonly acknowledged: number[] }

/** Production writes a row whenever its health is checked, and counts each that was acknowledged. */
function writing(status: number): Scene {
  const world = damagedShop()
  const acknowledged: number[] = []
  const write = (): { readonly status: number; readonly json: Json } => {
    const live = world.server.databases.get('shop')
    if (live !== undefined) {
      const id = 100 + acknowledged.length
      live.tables = { ...live.tables, orders: [...(live.tables['orders'] ?? []), { id, total: 1 }] }
      acknowledged.push(id)
    }
    return { status, json: { ok: true } }
  }
  world.web.answers.set('http://shop/health', [write])
  return { world, machine: fakeMachine(world, { book: rollback, target: shop }), acknowledged }
}

const written = (acknowledged: readonly number[]): Json => [
  ...goodOrders,
  ...acknowledged.map((id) => ({ id, total: 1 })),
]

const keptDump = (world: FakeWorld): string =>
  [...world.disk.files.keys()].find((path) => path.includes('-kept-')) ?? ''

/** The rows that are kept, wherever they are. */
function keptRows(world: FakeWorld, strategy: string): Json {
  if (strategy === 'beside') {
    const [, copy] = [...world.server.databases].find(([name]) => name.includes('__kept_')) ?? []
    return (copy?.tables['orders'] ?? null) as Json
  }
  const file = keptDump(world)
  return readDump(file, world.disk.files.get(file)).tables['orders'] as Json
}

describe.each(['beside', 'in-place'] as const)('rows written to restored data, strategy %s', (strategy) => {
  it('are kept, counted and named where health never comes', async () => {
    const { world, machine, acknowledged } = writing(500)
    const result = await machine.run({ strategy })
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(acknowledged.length).toBeGreaterThan(1)
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
    expect(keptRows(world, strategy)).toEqual(written(acknowledged))

    const rows = acknowledged.length
    const [screen, report] = [endingText(result, machine.entries), reportOf(recordOf(machine.entries))]
    const name =
      strategy === 'beside'
        ? [...world.server.databases.keys()].find((one) => one.includes('__kept_'))
        : keptDump(world)
    for (const text of [screen, report.replaceAll('\\', '')]) {
      expect(text).toContain(`orders ${2 + rows} rows instead of 2 (+${rows})`)
      expect(text).toContain(String(name))
      expect(text).toContain('recover-records')
    }
    expect(screen).toContain('every step is rolled back, and the data that was live meanwhile is kept: ')
    expect(screen).toMatch(/\n {2}kept: /)
    expect(screen).not.toMatch(/REMAIN|remains:/)
    expect([...world.server.databases.keys()].filter((one) => one.includes('__rb_'))).toEqual([])
  })

  it('are kept where an operator rolls back a run that was killed after they were written', async () => {
    const { world, machine, acknowledged } = writing(200)
    world.faults.order('journal.append pivoted', 'kill')
    await expect(machine.run({ strategy })).rejects.toThrow(Killed)
    expect(acknowledged.length).toBeGreaterThan(1)
    await machine.rollback()
    expect(stateOf(machine.entries).settled?.outcome).toBe('rolled-back')
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
    expect(keptRows(world, strategy)).toEqual(written(acknowledged))
    expect(stateOf(machine.entries).remains.join()).toContain(`(+${acknowledged.length})`)
  })

  it('are kept whichever moment of the rollback it is killed at', { timeout: 90_000 }, async () => {
    const reference = writing(500)
    await reference.machine.run({ strategy })
    const { reached } = reference.world.faults
    const turned = reached.indexOf('journal.append turned')
    for (let at = turned + 1; at <= reached.length; at += 1) {
      const { world, machine, acknowledged } = writing(500)
      world.faults.killAfter(at)
      await expect(machine.run({ strategy })).rejects.toThrow(Killed)
      for (let tries = 0; tries < 3 && stateOf(machine.entries).settled === null; tries += 1)
        await machine.rollback()
      expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
      expect(keptRows(world, strategy), `killed at ${reached[at - 1]}`).toEqual(written(acknowledged))
      const name = strategy === 'beside' ? '__kept_' : keptDump(world)
      expect(stateOf(machine.entries).remains.join(), `killed at ${reached[at - 1]}`).toContain(name)
    }
  })

  it('are known to prune', async () => {
    const { world, machine } = writing(500)
    await machine.run({ strategy })
    const { look } = handsOn(world)
    const inventories =
      strategy === 'beside'
        ? await keptDatabasesOf(look, database, retention)
        : await dumpsOf(look, { database, volume: null }, retention)
    const names = inventories.flatMap(({ artifacts }) => artifacts.map(({ name }) => name))
    expect(names).toEqual([expect.stringMatching(/kept/)])
    for (const { artifacts, verify, unknown } of inventories) {
      expect(unknown ?? []).toEqual([])
      for (const one of artifacts) await verify(one)
    }
  })
})

describe('the checksum of what was put aside', () => {
  const checksum = (path: string): string => `${path}.sha256`

  it('goes with a SQLite file beside the live one, and with a dump', async () => {
    const aside = 'shop__old_20260103_050000_abcde'
    const live: Database = {
      engine: 'sqlite',
      name: 'shop',
      file: '/srv/shop.db',
      confirmPhrase: 'shop',
      fingerprint: 'rows',
    }
    const disk = emptyDisk()
    const dump = '/backups/kept/shop-kept-20260103-050000-abcde.db'
    for (const path of [checksum(`/srv/${aside}`), dump, checksum(dump)]) lay(disk, path, 'x')
    const world = fakeWorld({
      disk,
      server: fakeServer({ shop: {}, [aside]: { orders: [] } }, { engine: 'sqlite' }),
    })
    const { look } = handsOn(world)
    const parts = [
      ...(await keptDatabasesOf(look, live, retention)),
      ...(await dumpsOf(look, { database: live, volume: null }, retention)),
    ].flatMap(({ artifacts }) => artifacts.flatMap(({ files }) => files.map(({ path }) => path)))
    expect(parts).toEqual([checksum(`/srv/${aside}`), checksum(dump), dump])
  })
})

describe('a copy that never was live', () => {
  it('is dropped by the rollback', async () => {
    const { world, machine } = writing(200)
    world.faults.order('services.stop', 'fail')
    await machine.run({ strategy: 'beside' })
    expect([...world.server.databases.keys()]).toEqual(['shop'])
    expect(stateOf(machine.entries).remains).toEqual([])
  })

  it('is not dumped by the rollback of a restore in place that failed', async () => {
    const { world, machine } = writing(200)
    world.faults.order('databases.restoreInPlace half-way', 'fail')
    await machine.run({ strategy: 'in-place' })
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
    expect(keptDump(world)).toBe('')
    expect(stateOf(machine.entries).remains).toEqual([])
  })
})

describe('a rollback in place that cannot dump what was written', () => {
  it('replaces nothing, says how to give the rows up, and goes on after that', async () => {
    const { world, machine, acknowledged } = writing(500)
    for (const time of [2, 3, 4]) world.faults.order('databases.dump', 'fail', time)
    expect(await machine.run({ strategy: 'in-place' })).toMatchObject({
      outcome: 'needs-human',
      failure: { hint: expect.stringContaining('to give those rows up, create that file: touch ') as string },
    })
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: written(acknowledged) })
    const file = /touch (\S+)/.exec(JSON.stringify(machine.entries))?.[1]?.replace(/[^\w/.-].*$/, '') ?? ''
    lay(world.disk, file, '')
    await machine.rollback()
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
    expect(stateOf(machine.entries).remains).toEqual([])
  })
})

describe('rows that were kept', () => {
  it('are carried over by recover-records, from the dump that the rollback named', async () => {
    const { world, machine, acknowledged } = writing(500)
    await machine.run({ strategy: 'in-place' })
    const file = keptDump(world)
    const body = world.disk.files.get(file) ?? new Uint8Array()
    lay(world.disk, `${file}.sha256`, `${sha256(body)}  ${file.slice(file.lastIndexOf('/') + 1)}\n`)
    const [id] = acknowledged
    const recovery = fakeMachine(world, { book: recover, target: shop })
    const params = { dump: file, tables: 'orders:id', key: String(id), export: '/srv/export' }
    expect(await recovery.run(params)).toMatchObject({ code: 'succeeded' })
    expect(world.server.databases.get('shop')?.tables['orders']).toEqual([...badOrders, { id, total: 1 }])
  })

  it('may be in a dump of the database that was kept aside, but not of another', async () => {
    const names = ['shop__kept_20260203_050000_abcde', 'shop__old_20260203_050000_abcde', 'other']
    const outcomes = []
    for (const name of names) {
      const { world } = writing(200)
      const file = '/backups/db/by-hand.dump'
      const tables = { orders: [{ id: 7, total: 7 }] }
      const body = dumpBytes({
        engine: 'postgres',
        major: 17,
        database: name,
        takenAt: '2026-02-03T04:30:00Z',
        tables,
        roles: ['app'],
        extensions: [],
      })
      lay(world.disk, file, body)
      lay(world.disk, `${file}.sha256`, `${sha256(body)}  by-hand.dump\n`)
      const recovery = fakeMachine(world, { book: recover, target: shop })
      const params = { dump: file, tables: 'orders:id', key: '7', export: '/srv/export' }
      outcomes.push((await recovery.run(params)).code)
    }
    expect(outcomes).toEqual(['succeeded', 'succeeded', 'verification'])
  })
})

const sqlite = (tables: FakeTables): Uint8Array =>
  dumpBytes({ engine: 'sqlite', major: 3, database: null, takenAt: null, tables, roles: [], extensions: [] })

function inVolume() {
  const path = '/app/data/shop.db'
  const [disk, volumes] = [emptyDisk(), noVolumes()]
  for (const folder of ['/backups', '/backups/kept']) disk.folders.add(folder)
  const [good, live] = [sqlite({ orders: [{ id: 1 }] }), sqlite({ orders: [] })]
  const backup = {
    file: '/backups/saved.db',
    source: '/backups/saved.db',
    takenAt: '2026-02-03T04:00:00Z',
    sha256: sha256(good),
    bytes: good.length,
    tables: ['orders'],
    numbers: [],
  }
  lay(disk, backup.file, good)
  layInVolume(volumes, 'api', path, live, { uid: 1000, gid: 1000, mode: 0o640 })
  const fleet = runningFleet({ api: 'shop/api:1' })
  const instance = fleet.services.get('api')?.instance
  if (instance) instance.state = 'stopped'
  const world = fakeWorld({ disk, volumes, fleet, server: fakeServer({}, { engine: 'sqlite' }) })
  const stack = { ...(shop.stack as NonNullable<typeof shop.stack>) }
  const input = {
    at: { stack, service: 'api', path },
    backup,
    kept: { file: '/backups/kept/shop-current-20260203-050000-abcde.db', endings: [''] },
    writers: { names: ['api'], stoppedAt: '2026-02-03T05:00:00Z' },
    services: { stack, names: ['api'] },
    ownership: { uid: 1, gid: 1, mode: 0o600 },
    keepIn: { folder: '/backups/kept', name: 'shop' },
  }
  return { world, input, backup, path }
}

describe('a SQLite file of a volume that was written to while it was live', () => {
  it.each([
    ['is kept with its log', true],
    ['is removed where it still is the backup, byte by byte', false],
  ])('%s', async (_, wrote) => {
    const { world, input, backup, path } = inVolume()
    const { step } = opened(swapVolumeDatabase(input))
    if (!acts(step)) throw new Error('it does not act')
    const { look, io } = handsOn(world)
    const before = (await step.survey(look, input)) as Json
    const output = (await step.run(io, { input, before })) as Json
    const files = world.volumes.get('api')
    if (wrote) {
      const newer = sqlite({ orders: [{ id: 1 }, { id: 2 }, { id: 3 }] })
      files?.set(path, { ...(files.get(path) as object), body: newer } as never)
      layInVolume(world.volumes, 'api', `${path}-wal`, 'log')
    }
    await step.undo?.(io, { input, before, output })
    expect(await step.probe(look, { input, before, way: 'back' })).toEqual({ is: 'absent' })
    expect([...(files?.keys() ?? [])].filter((one) => one.startsWith(path))).toEqual([path])
    const kept = '/backups/kept/shop-kept-20260203-050000-abcde.db'
    expect([...world.disk.files.keys()].filter((one) => one.includes('-kept-')).sort()).toEqual(
      wrote ? [kept, `${kept}-wal`] : [],
    )
    const lines = ((await step.remains?.(look, { input, before, output })) ?? []).map(sentenceOf)
    expect(lines).toEqual(wrote ? [expect.stringContaining('orders 3 rows instead of 1 (+2)')] : [])
    if (wrote) expect(lines[0]).toContain(`--backup ${kept}`)
    expect(backup.sha256).toBe(sha256(world.disk.files.get(backup.file) ?? ''))
  })
})

describe('the undo of a swap in a volume', () => {
  const swapped = async () => {
    const { world, input, path } = inVolume()
    const { step } = opened(swapVolumeDatabase(input))
    if (!acts(step)) throw new Error('it does not act')
    const { look, io } = handsOn(world)
    const instance = world.fleet.services.get('api')!.instance!
    instance.startedAt = '2026-02-03T04:00:00.000Z'
    const before = (await step.survey(look, input)) as Json
    const output = (await step.run(io, { input, before })) as Json
    const write = (): void =>
      layInVolume(world.volumes, 'api', path, sqlite({ orders: [{ id: 7 }] }), {
        uid: 1,
        gid: 1,
        mode: 0o600,
      })
    const state = (): unknown =>
      [...(world.volumes.get('api') ?? [])].map(([name, { body }]) => [name, sha256(body)])
    const undo = async () => {
      const act = { input, before, output }
      for (const { check } of step.undoGuards?.(act) ?? []) await check(look, 'back')
      await step.undo?.(io, act)
    }
    return {
      world,
      instance,
      write,
      state,
      undo,
      path,
      probe: () => step.probe(look, { input, before, way: 'back' }),
    }
  }

  it('is in doubt where somebody else replaced the file while no service had run, and touches nothing', async () => {
    const { write, state, undo, path } = await swapped()
    write()
    const before = state()
    await expect(undo()).rejects.toMatchObject({
      code: 'in-doubt',
      message: `${path} of api is not the file that this run put there: somebody else replaced it`,
    })
    expect(state()).toEqual(before)
  })

  it('goes on where a service was started since, which may have written it', async () => {
    const { instance, write, undo, probe } = await swapped()
    instance.startedAt = '2026-02-03T05:00:00.000Z'
    write()
    await undo()
    expect(await probe()).toEqual({ is: 'absent' })
  })

  it.each([
    ['is empty', []],
    ['holds another file', [['/app/data/shop.db', 'another']] as const],
  ])('is in doubt where the volume is another one that %s', async (_, files) => {
    const { world, state, undo } = await swapped()
    world.volumes.set('api', new Map())
    for (const [name, body] of files) layInVolume(world.volumes, 'api', name, body)
    const before = state()
    await expect(undo()).rejects.toMatchObject({
      code: 'in-doubt',
      message: expect.stringMatching(
        /is gone, and so is the old file|is not the old file, which is not beside it either/,
      ) as string,
    })
    expect(state()).toEqual(before)
  })
})

describe('differences of row counts', () => {
  const was = [
    { table: 'gone', rows: 3 },
    { table: 'orders', rows: 2 },
    { table: 'same', rows: 1 },
  ]
  const is = [
    { table: 'new', rows: 1 },
    { table: 'orders', rows: 1 },
    { table: 'same', rows: 1 },
  ]

  it('name each table that has more or fewer, is new or is gone', () => {
    expect(differencesOf(was, is)).toEqual([
      'gone is gone, with 3 rows',
      'new 1 row, a new table',
      'orders 1 row instead of 2 (-1)',
    ])
  })

  it('never say that nothing was written', () => {
    expect(newerRows(was, was)).toContain('updated rows are not counted')
    expect(newerRows(was, 'no answer')).toBe('its rows could not be counted: no answer')
    expect(newerRows(null, is)).toContain('unknown')
  })
})

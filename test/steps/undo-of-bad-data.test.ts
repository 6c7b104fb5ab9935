import { describe, expect, it } from 'vitest'
import type { Database } from '../../src/drivers/databases.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { sha256, type Json } from '../../src/kernel/json.ts'
import { acts } from '../../src/model/step.ts'
import {
  dumpBytes,
  emptyDisk,
  fakeServer,
  fakeWorld,
  lay,
  layInVolume,
  noVolumes,
  runningFleet,
  type FakeTables,
  type FakeWorld,
} from '../../src/testing/index.ts'
import * as steps from '../../steps/index.ts'
import type { DatabaseInService } from '../../steps/databases/start-database.ts'
import { after, api, badApi } from './fake-releases.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'
import { provenCopyOf } from './proven-copy.ts'

const damages = ['damaged', 'empty', 'missing'] as const
type Damage = (typeof damages)[number]

type Case = {
  readonly world: () => FakeWorld
  readonly call: (world: FakeWorld) => Promise<unknown> | unknown
  /** Databases that the step made, changed or reads from: spoiled between its effect and its undo. */
  readonly databases?: readonly string[]
  /** Files of this machine that begin so: the same. */
  readonly files?: string
  /** A file of the volume of the service `api`: the same. */
  readonly inVolume?: string
  /** What no undo of this step brings back, since the step does not change it. */
  readonly foreign?: readonly string[]
}

const database = shop.database as Database
const services = shop.writers as NonNullable<typeof shop.writers>
const writers = { names: services.names, stoppedAt: '2026-02-03T05:00:00Z' }
const backup = '/backups/db/shop-20260203_040000.dump'
const copy = 'shop__rb_20260203_050000_abcde'

const inspected = (world: FakeWorld) => handsOn(world).look.databases.inspect(database, backup)
const copied = async (world: FakeWorld): Promise<void> => {
  await handsOn(world).io.databases.restoreBeside(database, await inspected(world), copy)
}
const selected = { database, copy: { name: copy, bytes: 1 }, tables: 'orders:id', key: '2' }

const path = '/app/data/contextsafe.db'
const at = { stack: shop.stack as typeof services.stack, service: 'api', path }
const one = { stack: at.stack, names: ['api'] }
const sqlite = (tables: FakeTables): Uint8Array =>
  dumpBytes({ engine: 'sqlite', major: 3, database: null, takenAt: null, tables, roles: [], extensions: [] })
const saved = sqlite({ orders: [{ id: 2, total: 7 }] })
const examined = {
  file: '/backups/saved.db',
  source: '/backups/saved.db',
  takenAt: '2026-02-03T04:00:00Z',
  sha256: sha256(saved),
  bytes: saved.length,
  tables: ['orders'],
  numbers: [],
}
const kept = { file: '/backups/kept/current.db', endings: [''] }
const staging = { folder: '/backups/staging' }

/** A SQLite database in a volume, whose service is stopped, and what earlier steps of the run took of it. */
function volumeWorld(live: FakeTables = { orders: [{ id: 1, total: -5 }] }): FakeWorld {
  const [disk, volumes] = [emptyDisk(), noVolumes()]
  for (const folder of ['/backups', '/backups/kept', staging.folder]) disk.folders.add(folder)
  lay(disk, examined.file, saved)
  lay(disk, kept.file, sqlite(live))
  layInVolume(volumes, 'api', path, sqlite(live), { uid: 1000, gid: 1001, mode: 0o640 })
  const fleet = runningFleet({ api: 'contextsafe/api:0.1.0' })
  const instance = fleet.services.get('api')?.instance
  if (instance) instance.state = 'stopped'
  return fakeWorld({ disk, volumes, fleet, server: fakeServer({}, { engine: 'sqlite' }) })
}

const assessment = {
  from: '3c4d5e6f7081',
  to: '2b3c4d5e6f70',
  tool: { ...(api.migrations as NonNullable<typeof api.migrations>).tool, image: 'api:rc2' },
  kind: 'breaking' as const,
  undone: [],
}

/** A dump that an undo keeps, with its manifest. */
const signed = (dump: string): readonly string[] => [dump, ...manifestFiles(dump)]

/** Every step of this project that acts on databases and can be undone. */
const cases: { readonly [step: string]: Case } = {
  dumpDatabase: {
    world: damagedShop,
    call: () =>
      steps.dumpDatabase({ database, name: 'shop', folder: '/backups/kept', label: 'before-rollback' }),
    files: '/backups/kept/shop-',
  },
  startDatabase: {
    world: damagedShop,
    call: async (world) => {
      await handsOn(world).io.services.stop({ stack: services.stack, names: ['db'] }, 1)
      return steps.startDatabase({ database: database as DatabaseInService })
    },
    databases: ['shop'],
    foreign: ['shop'],
  },
  restoreBeside: {
    world: damagedShop,
    call: async (world) => steps.restoreBeside({ database, archive: await inspected(world) }),
    databases: [copy],
    files: backup,
    foreign: [backup, `${backup}.sha256`],
  },
  swapDatabase: {
    world: damagedShop,
    call: async (world) => {
      await handsOn(world).io.services.stop(services, 1)
      await copied(world)
      const staged = await provenCopyOf(handsOn(world).io.databases, database, copy)
      return steps.swapDatabase({ database, staged, writers, services })
    },
    databases: ['shop'],
    foreign: [copy, 'shop__kept_20260203_050000_abcde'],
  },
  restoreInPlace: {
    world: damagedShop,
    call: async (world) => {
      const { io } = handsOn(world)
      await io.services.stop(services, 1)
      const fallback = await io.databases.dump(database, 'shop', '/backups/kept/fallback.dump')
      return steps.restoreInPlace({
        database,
        archive: { ...(await inspected(world)), format: 'custom' },
        fallback: { ...fallback, dumpedFrom: 'shop' },
        writers,
      })
    },
    files: backup,
    foreign: [backup, `${backup}.sha256`, ...signed('/backups/kept/shop-kept-20260203-050000-abcde.dump')],
  },
  recoverRows: {
    world: damagedShop,
    call: async (world) => {
      await copied(world)
      return steps.recoverRows({
        ...selected,
        compared: { missing: 1, tables: [], told: 'orders 1 (0 present)' },
      })
    },
    databases: [copy],
    foreign: [copy],
  },
  exportRows: {
    world: damagedShop,
    call: async (world) => {
      await copied(world)
      return steps.exportRows({ ...selected, folder: '/srv/export' })
    },
    databases: [copy],
    files: '/srv/export/',
    foreign: [copy],
  },
  keepVolumeDatabase: {
    world: volumeWorld,
    call: () =>
      steps.keepVolumeDatabase({
        at,
        name: 'shop',
        folder: '/backups/kept',
        label: 'current',
        writers,
        services: one,
      }),
    files: '/backups/kept/shop-',
  },
  mergeRows: {
    world: volumeWorld,
    call: () => steps.mergeRows({ kept, backup: examined, staging, tables: 'orders:id', key: '2' }),
    files: `${staging.folder}/merged/`,
  },
  swapVolumeDatabase: {
    world: volumeWorld,
    call: () =>
      steps.swapVolumeDatabase({
        at,
        backup: examined,
        kept,
        writers,
        services: one,
        ownership: { uid: 1, gid: 1, mode: 0o600 },
        keepIn: { folder: '/backups/kept', name: 'shop' },
      }),
    inVolume: path,
    foreign: signed('/backups/kept/shop-kept-20260203-050000-abcde.db'),
  },
  downgradeCopy: {
    world: () => {
      const world = volumeWorld(after)
      world.migrations.images.set('api:rc2', badApi().migrations.images.get('api:rc2') ?? [])
      return world
    },
    call: () => steps.downgradeCopy({ at, kept, staging, assessment, empty: null }),
    files: `${staging.folder}/contextsafe.db`,
  },
  downgradeDatabase: {
    world: () => badApi({ tables: after }),
    call: async (world) => {
      const { io } = handsOn(world)
      const [live, group] = [api.database as Database, api.writers as NonNullable<typeof api.writers>]
      await io.services.stop(group, 1)
      const fallback = await io.databases.dump(live, 'api', '/srv/api/backups/rollback/fallback.dump')
      return steps.downgradeDatabase({
        database: live,
        assessment,
        fallback: { ...fallback, dumpedFrom: 'api' },
        writers,
        services: group,
        empty: null,
      })
    },
    databases: ['api'],
    foreign: signed('/srv/api/backups/rollback/api-kept-20260203-050000-abcde.dump'),
  },
}

const spoiledBody = (how: Damage): Uint8Array =>
  new TextEncoder().encode(how === 'damaged' ? 'neither a database nor JSON' : '')

const spoiledTables = (how: Damage): FakeTables =>
  how === 'damaged'
    ? {
        orders: [{ id: 1, total: 'not a number' }],
        alembic_version: [{ version_num: 'one' }, { version_num: 'two' }],
      }
    : {}

/** @returns whether anything was there to be spoiled */
function spoil(world: FakeWorld, { databases = [], files, inVolume }: Case, how: Damage): boolean {
  let spoiled = 0
  const within = inVolume === undefined ? undefined : world.volumes.get('api')
  for (const [bodies, prefix] of [
    [world.disk.files, files],
    [within, inVolume],
  ] as const) {
    if (bodies === undefined || prefix === undefined) continue
    for (const [name, body] of bodies) {
      if (bodies === within ? name !== prefix : !name.startsWith(prefix)) continue
      spoiled += 1
      if (how === 'missing') bodies.delete(name)
      else if (bodies === within) within?.set(name, { ...(body as object), body: spoiledBody(how) } as never)
      else world.disk.files.set(name, spoiledBody(how))
    }
  }
  for (const name of databases) {
    const found = world.server.databases.get(name)
    if (found === undefined) continue
    spoiled += 1
    // A live database that is changed in place is emptied; only one that has another to replace it goes.
    if (how === 'missing' && name !== 'api') world.server.databases.delete(name)
    else found.tables = spoiledTables(how)
  }
  return spoiled > 0
}

/** What the undo must bring back, without what is foreign to it. */
const state = (world: FakeWorld, foreign: readonly string[] = []): string =>
  JSON.stringify(world.state(), (key: string, value: unknown) => (foreign.includes(key) ? undefined : value))

describe.each(Object.entries(cases))('undo of %s', (_name, one) => {
  it.each(damages)('succeeds where the data is %s', async (how) => {
    const world = one.world()
    const { step, input } = opened(await one.call(world))
    if (!acts(step)) throw new Error('it does not act')
    const { look, io } = handsOn(world)
    const before = (await step.survey(look, input)) as Json
    const was = state(world, one.foreign)
    const output = (await step.run(io, { input, before })) as Json
    expect(state(world, one.foreign)).not.toEqual(was)

    expect(spoil(world, one, how)).toBe(true)
    const probe = () => step.probe(look, { input, before, way: 'back' })
    if ((await probe()).is !== 'absent') await step.undo?.(io, { input, before, output })
    expect(await probe()).toEqual({ is: 'absent' })
    await step.afterUndo?.(io, { input, before, output })
    expect(state(world, one.foreign)).toEqual(was)
  })
})

it('covers every step that acts on databases and can be undone', () => {
  const undoable = Object.entries(steps).flatMap(([name, call]) =>
    'step' in call &&
    acts(call.step) &&
    call.step.undo !== undefined &&
    /^(?:databases|migrations)\./.test(call.step.kind)
      ? [name]
      : [],
  )
  expect(undoable.toSorted()).toEqual(Object.keys(cases).toSorted())
})

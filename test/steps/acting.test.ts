import { describe, expect, it } from 'vitest'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { isJson, sha256, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { acts } from '../../src/model/step.ts'
import { compare } from '../../src/run/record/differences.ts'
import { predictionOf } from '../../src/run/engine/prediction.ts'
import {
  dumpDatabase,
  logResult,
  makeStaging,
  removeStaging,
  restoreBeside,
  restoreInPlace,
  startDatabase,
  startServices,
  stopServices,
  swapDatabase,
  unpack,
} from '../../steps/index.ts'
import type { DatabaseInService } from '../../steps/databases/start-database.ts'
import { readDump } from '../../src/testing/fake-dump.ts'
import type { FakeWorld } from '../../src/testing/index.ts'
import { alone, facts, handsOn, opened } from './hands.ts'
import { damagedShop, goodOrders, shop } from './fake-shop.ts'
import { provenCopyOf } from './proven-copy.ts'

const database =
  shop.database ??
  (() => {
    throw new Error('the shop has no database')
  })()
const services =
  shop.writers ??
  (() => {
    throw new Error('the shop has no writers')
  })()
const serviceOfDatabase = { stack: services.stack, names: ['db'] }
const file = '/backups/db/shop-20260203_040000.dump'

const inspected = (world: FakeWorld, of = file) => handsOn(world).look.databases.inspect(database, of)
const stopped = (world: FakeWorld): Promise<void> => handsOn(world).io.services.stop(services, 1)
const writers = { names: services.names, stoppedAt: '2026-02-03T05:00:00Z' }
const staging = { folder: `/srv/staging/${facts.id}` }

type Case = {
  readonly name: string
  readonly call: (world: FakeWorld) => Promise<unknown> | unknown
  readonly undone?: false
  /** The world after the undo, where it keeps what has been live; else the one before the step. */
  readonly kept?: (before: JsonObject, world: FakeWorld, withOutput: boolean) => JsonObject
}

const cases: readonly Case[] = [
  { name: 'stopServices', call: () => stopServices({ services }) },
  {
    name: 'startDatabase',
    call: async (world) => {
      await handsOn(world).io.services.stop(serviceOfDatabase, 1)
      return startDatabase({ database: database as DatabaseInService })
    },
  },
  { name: 'startServices', call: async (world) => (await stopped(world), startServices({ services })) },
  {
    name: 'dumpDatabase',
    call: () => dumpDatabase({ database, name: 'shop', folder: '/backups/kept', label: 'before-rollback' }),
  },
  {
    name: 'restoreBeside',
    call: async (world) => restoreBeside({ database, archive: await inspected(world) }),
  },
  {
    name: 'swapDatabase',
    call: async (world) => {
      await stopped(world)
      await handsOn(world).io.databases.restoreBeside(database, await inspected(world), 'shop__rb')
      return swapDatabase({
        database,
        staged: await provenCopyOf(handsOn(world).io.databases, database, 'shop__rb'),
        writers,
        services,
      })
    },
    // The copy that was live, and so open, under another name.
    kept: ({ databases, ...before }) => {
      const { shop__rb: copy, ...rest } = databases as { readonly [name: string]: JsonObject }
      const { closed: _, ...open } = copy ?? {}
      return { ...before, databases: { ...rest, shop__kept_20260203_050000_abcde: open } }
    },
  },
  {
    name: 'restoreInPlace',
    call: async (world) => {
      await stopped(world)
      const fallback = await handsOn(world).io.databases.dump(database, 'shop', '/backups/kept/fallback.dump')
      return restoreInPlace({
        database,
        archive: { ...(await inspected(world)), format: 'custom' },
        fallback: { ...fallback, dumpedFrom: 'shop' },
        writers,
      })
    },
    // Without its output, the run ended before anything could be written to the restored data.
    kept: ({ files, ...before }, { disk }, withOutput) => {
      const file = '/backups/kept/shop-kept-20260203-050000-abcde.dump'
      const body = disk.files.get(file)
      expect(body !== undefined).toBe(withOutput)
      if (body === undefined) return { files: files ?? null, ...before }
      expect(readDump(file, body).tables).toEqual({ orders: goodOrders })
      const kept = [file, ...manifestFiles(file)].map((path) => [path, sha256(disk.files.get(path) ?? '')])
      return { ...before, files: { ...(files as JsonObject), ...Object.fromEntries(kept) } }
    },
  },
  { name: 'makeStaging', call: () => makeStaging({ under: '/srv/staging' }) },
  {
    name: 'unpack',
    call: async (world) => {
      const { io, look } = handsOn(world)
      await io.files.makeFolder(staging.folder)
      const place =
        shop.data?.place ??
        (() => {
          throw new Error('the shop has no data')
        })()
      const [newest] = await look.backups.list(place)
      if (newest === undefined) throw new Error('no backup')
      return unpack({
        archive: { ...newest, sha256: await look.files.hash(newest.file), checksumFile: null },
        staging,
        as: 'data',
        passphrase: shop.data?.passphrase ?? null,
      })
    },
  },
  {
    name: 'removeStaging',
    undone: false,
    call: async (world) => (
      await handsOn(world).io.files.makeFolder(`${staging.folder}/x`),
      removeStaging({ under: '/srv/staging' })
    ),
  },
  {
    name: 'logResult',
    undone: false,
    call: () => logResult({ checklist: '/artifacts/checklist.md', about: 'x' }),
  },
]

/** Without when something was said to be done, which each look says anew. */
const lasting = (output: Json): Json => {
  const { stoppedAt, ...rest } = (output ?? {}) as JsonObject
  void stoppedAt
  return rest
}

describe.each(cases)('$name', ({ name, call, undone, kept }) => {
  const prepared = async () => {
    const world = damagedShop()
    const { step, input } = opened(await call(world))
    if (!acts(step)) throw new Error('it does not act')
    const { look, io } = handsOn(world)
    const before = world.state()
    const was = (await step.survey(look, input)) as Json
    const probe = (way: 'forward' | 'back') => step.probe(look, { input, before: was, way })
    return { world, step, input, io, look, before, was, probe }
  }

  it('says what it does, whether its input is known or not', async () => {
    const { step, input } = await prepared()
    const pending = Object.fromEntries(Object.keys(input).map((key) => [key, { $until: `after "${key}"` }]))
    expect(step.describe(input)).toMatch(/^[A-Z].*\.$/)
    expect(step.describe(pending)).toMatch(/^[A-Z].*\.$/)
    expect(JSON.stringify([step.describe(input), step.describe(pending)])).not.toMatch(/undefined|\[object/)
  })

  it('looks without touching, and sees the same twice', async () => {
    const { world, step, input, look, before, was, probe } = await prepared()
    expect(isJson(was)).toBe(true)
    expect(await step.survey(look, input)).toEqual(was)
    expect(await probe('forward')).toEqual({ is: 'absent' })
    expect(await probe('back')).toEqual({ is: 'absent' })
    expect((await step.preflight?.(look, input, alone)) ?? []).toEqual([])
    expect(world.state()).toEqual(before)
  })

  it('is proven where it was done, and does what it foretold', async () => {
    const { step, input, io, was, probe } = await prepared()
    const prediction =
      step.predict === undefined ? null : predictionOf(step, step.predict({ input, before: was }))
    const output = (await step.run(io, { input, before: was })) as Json
    expect(isJson(output)).toBe(true)
    const found = await probe('forward')
    expect(found).toMatchObject({ is: 'done' })
    if (found.is === 'done') expect(lasting(found.output as Json)).toEqual(lasting(output))
    expect(compare(prediction, output)).toMatchObject({ differences: [] })
  })

  it('foretells something without a survey too', async () => {
    const { step, input } = await prepared()
    const pending = Object.fromEntries(Object.keys(input).map((key) => [key, { $until: 'later' }]))
    for (const known of [input, pending])
      if (step.predict !== undefined)
        expect(isJson(predictionOf(step, step.predict({ input: known, before: undefined })))).toBe(true)
  })

  if (undone !== false)
    it('is undone to the last bit, but for what it keeps, with the output or without, and twice', async () => {
      for (const told of [true, false]) {
        const { world, step, input, io, before, was, probe } = await prepared()
        const output = (await step.run(io, { input, before: was })) as Json
        expect(world.state()).not.toEqual(before)
        await step.undo?.(io, { input, before: was, output: told ? output : undefined })
        expect(await probe('back')).toEqual({ is: 'absent' })
        const expected = kept === undefined ? before : kept(before, world, told)
        await step.afterUndo?.(io, { input, before: was, output: told ? output : undefined })
        expect(world.state()).toEqual(expected)
        await step.undo?.(io, { input, before: was, output: undefined })
        await step.afterUndo?.(io, { input, before: was, output: undefined })
        expect(world.state()).toEqual(expected)
      }
    })

  it('is undone and done again', async () => {
    const { step, input, io, was, probe } = await prepared()
    await step.run(io, { input, before: was })
    // The engine repeats a swap without its undo, which gives the copy another name.
    if (undone !== false && name !== 'swapDatabase') {
      await step.undo?.(io, { input, before: was, output: undefined })
      await step.run(io, { input, before: was })
    }
    expect(await probe('forward')).toMatchObject({ is: 'done' })
  })
})

it('services that were stopped before are left stopped by an undo', async () => {
  const world = damagedShop()
  const { io } = handsOn(world)
  await io.services.stop({ ...services, names: ['worker'] }, 1)
  const before = world.state()
  const { step, input } = opened(stopServices({ services }))
  if (!acts(step)) throw new Error('it does not act')
  const was = (await step.survey(io, input)) as Json
  await step.run(io, { input, before: was })
  await step.undo?.(io, { input, before: was, output: undefined })
  expect(world.state()).toEqual(before)
})

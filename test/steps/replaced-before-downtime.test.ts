import { describe, expect, it } from 'vitest'
import container from '../../runbooks/container-rollback.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import downgrade from '../../runbooks/migration-downgrade.ts'
import drill from '../../runbooks/quarterly-full-drill.ts'
import recover from '../../runbooks/recover-volume-records.ts'
import sqlite from '../../runbooks/sqlite-restore.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import {
  fakeMachine,
  Killed,
  lay,
  layInVolume,
  nobody,
  type FakeMachine,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { writeInVolume } from '../../src/testing/volumes.ts'
import { contextsafeWorld, file as composeFile, target as contextsafe } from './fake-contextsafe.ts'
import { codexDrill, drilled, live, root } from './fake-drill.ts'
import { after, api, badApi } from './fake-releases.ts'
import { damagedShop, layDump, shop } from './fake-shop.ts'
import * as volume from './fake-volume.ts'

type Case = {
  readonly book: Runbook
  readonly target: Target
  readonly params: Parameters<FakeMachine['run']>[0]
  readonly world: () => FakeWorld
  readonly meddle: (world: FakeWorld) => void
  readonly message: RegExp
}

const answering = (): FakeWorld => {
  const world = damagedShop()
  world.person = { ...nobody, restoreConfirm: 'YES' }
  return world
}

function replaceDatabase({ server }: FakeWorld, name: string): void {
  const was = server.databases.get(name)
  if (was === undefined) throw new Error(`${name} does not exist`)
  server.databases.set(name, { ...was, generation: 'of another' })
}

/** A healthy database in a volume, with these projects. */
function projects(...ids: readonly number[]): FakeWorld {
  const world = volume.world('plain')
  for (const ending of ['', '-wal', '-shm']) world.volumes.get('api')?.delete(`${volume.file}${ending}`)
  layInVolume(world.volumes, 'api', volume.file, bodyOf(...ids))
  return world
}

const bodyOf = (...ids: readonly number[]): Uint8Array =>
  volume.sqliteDump({ tables: { projects: ids.map((id) => ({ id })) } })

const another = ({ volumes }: FakeWorld): void => layInVolume(volumes, 'api', volume.file, bodyOf(1, 9))

const dumpFile = '/backups/db/shop-20260203_040000.dump'

const cases: { readonly [name: string]: Case } = {
  'the live database of a restore beside': {
    book: rollback,
    target: shop,
    params: { strategy: 'beside' },
    world: answering,
    meddle: (world) => replaceDatabase(world, 'shop'),
    message: /^cannot replace the live shop: since it was compared, somebody else replaced it/,
  },
  'the live database of a restore in place': {
    book: rollback,
    target: shop,
    params: { strategy: 'in-place' },
    world: answering,
    meddle: (world) => replaceDatabase(world, 'shop'),
    message: /^cannot replace the live shop: since it was compared, somebody else replaced it/,
  },
  'the dump of a restore in place': {
    book: rollback,
    target: shop,
    params: { strategy: 'in-place' },
    world: answering,
    meddle: (world) =>
      void layDump(world, 'shop-20260203_040000.dump', { tables: { orders: [{ id: 8, total: 8 }] } }),
    message: /shop-20260203_040000\.dump was changed after it was verified/,
  },
  'the live database of a downgrade': {
    book: downgrade,
    target: api,
    params: { with: 'rc2' },
    world: () => badApi({ tables: after, running: 'rc1' }),
    meddle: (world) => replaceDatabase(world, 'api'),
    message: /^cannot replace the live api: since it was compared, somebody else replaced it/,
  },
  'the backup for a volume': {
    book: sqlite,
    target: volume.target,
    params: {},
    world: () => projects(1, 2),
    meddle: ({ disk }) => lay(disk, '/backups/contextsafe-20260203-020000.db', bodyOf(1, 2, 3)),
    message: /contextsafe-20260203-020000\.db was changed after it was examined/,
  },
  'the database in a volume, by one with the same tables': {
    book: sqlite,
    target: volume.target,
    params: {},
    world: () => projects(1, 2),
    meddle: another,
    message: /^cannot replace \/app\/data\/contextsafe\.db of api: since this run looked at it/,
  },
  'the database in a volume whose rows are missing': {
    book: recover,
    target: volume.target,
    params: { tables: 'projects:id', key: '2', export: '/srv/export' },
    world: () => projects(1),
    meddle: another,
    message: /^cannot replace \/app\/data\/contextsafe\.db of api: since this run looked at it/,
  },
  'the image line of a Compose file': {
    book: container,
    target: contextsafe,
    params: {},
    world: contextsafeWorld,
    meddle: ({ disk }) => {
      const text = Buffer.from(disk.files.get(composeFile) ?? []).toString()
      lay(disk, composeFile, text.replace('0.1.0-abc1234', '0.1.1-fed4321'))
    },
    message: /^cannot replace the image of api in the stack's files: since/,
  },
  'the data folder of a drill': {
    book: drill,
    target: codexDrill,
    params: {},
    world: drilled,
    meddle: ({ disk }) => void disk.identities.set(live, 'of another folder'),
    message: /^cannot replace \/srv\/codex\/\.codex-api: since/,
  },
  'the release folder of a drill': {
    book: drill,
    target: codexDrill,
    params: {},
    world: drilled,
    meddle: ({ disk }) => void disk.identities.set(root, 'of another folder'),
    message: /^cannot replace \/srv\/codex: since/,
  },
  'the unpacked data of a drill': {
    book: drill,
    target: codexDrill,
    params: {},
    world: drilled,
    meddle: ({ disk }) => {
      const path = [...disk.files.keys()].find(
        (one) => one.startsWith(`${root}/.staging/`) && one.endsWith('config.toml'),
      )
      if (path === undefined) throw new Error('nothing is unpacked')
      lay(disk, path, 'forged = 1\n')
    },
    message: /was changed after it was checked: it is no longer what was verified/,
  },
}

const begun = ({ entries }: FakeMachine): readonly string[] =>
  entries.flatMap(({ entry }) => (entry.type === 'intent' ? [entry.step] : []))

/** Killed right before it stops anything, and resumed by another process. */
async function resumedAfter({ book, target, params, world: open, meddle }: Case) {
  const whole = fakeMachine(open(), { book, target })
  await whole.run(params)
  const [opened] = whole.entries
  const downs =
    opened?.entry.type === 'opened'
      ? opened.entry.plan.steps.flatMap(({ id, marks }) => (marks.downFrom ? [id] : []))
      : []
  const stop = begun(whole).findIndex((step) => downs.includes(step))
  expect(stop).toBeGreaterThan(0)
  const world = open()
  const machine = fakeMachine(world, { book, target })
  world.faults.order('journal.append intent', 'kill', stop + 1)
  await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
  machine.reboot()
  meddle(world)
  const result = await machine.resume()
  return { result, world, stopped: begun(machine).filter((step) => downs.includes(step)) }
}

describe('what somebody replaced since it was shown is noticed before anything is stopped', () => {
  it.each(Object.entries(cases))('%s', async (_, one) => {
    const { result, world, stopped } = await resumedAfter(one)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringMatching(one.message) as string },
    })
    expect(result.failure?.message).toMatch(/; this was found before anything was stopped$/)
    expect(stopped).toEqual([])
    expect(world.faults.reached).not.toContain('services.stop')
  })
})

/** Done by somebody else while the question waits for an answer. */
function whileAsked(world: FakeWorld, meddle: () => void): void {
  const { types } = world.person
  const next = types.shift.bind(types)
  types.shift = () => {
    types.shift = next
    meddle()
    return next()
  }
}

describe('while the approval waits', () => {
  it('a database in a volume that is replaced is noticed by the same process', async () => {
    const world = projects(1, 2)
    whileAsked(world, () => another(world))
    const result = await fakeMachine(world, { book: sqlite, target: volume.target }).run({})
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('found before anything was stopped') as string },
    })
    expect(world.faults.reached).not.toContain('services.stop')
    expect(world.volumes.get('api')?.get(volume.file)?.body).toEqual(Buffer.from(bodyOf(1, 9)))
  })

  it('a service that writes to its database keeps no run from going on', async () => {
    const world = projects(1, 2)
    whileAsked(world, () => writeInVolume(world.volumes, 'api', volume.file, bodyOf(1, 2, 3)))
    expect(await fakeMachine(world, { book: sqlite, target: volume.target }).run({})).toMatchObject({
      outcome: 'succeeded',
    })
  })

  it('a backup that is only touched keeps no run from going on', async () => {
    const world = projects(1, 2)
    const backup = '/backups/contextsafe-20260203-020000.db'
    whileAsked(world, () => void world.disk.modifiedAt.set(backup, new Date('2026-02-03T04:59:00Z')))
    expect(await fakeMachine(world, { book: sqlite, target: volume.target }).run({})).toMatchObject({
      outcome: 'succeeded',
    })
  })

  it('a dump that was restored into the copy already may be removed', async () => {
    const world = answering()
    const machine = fakeMachine(world, { book: rollback, target: shop })
    world.faults.order('databases.readExclusively half-way', 'kill')
    await expect(machine.run({ strategy: 'beside' })).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    world.disk.files.delete(dumpFile)
    world.disk.files.delete(`${dumpFile}.sha256`)
    expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
  })
})

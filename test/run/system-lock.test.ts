import { describe, expect, it } from 'vitest'
import backup from '../../runbooks/data-backup.ts'
import drill from '../../runbooks/quarterly-full-drill.ts'
import prune from '../../runbooks/prune.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import diagnose from '../../runbooks/diagnose.ts'
import fetchRelease from '../../runbooks/release-fetch.ts'
import publish from '../../runbooks/release-publish.ts'
import snapshot from '../../runbooks/release-snapshot.ts'
import sqlite from '../../runbooks/sqlite-restore.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import { partKey, partName, type LockHolder } from '../../src/drivers/locks.ts'
import { planOf } from '../../src/model/plan.ts'
import { lockPartsOf, servicePart } from '../../src/run/engine/lock-parts.ts'
import { servicesIn } from '../../src/model/services-in.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { measuresOf } from '../../src/run/record/measures.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { emptyJournal, fakeMachine, Killed } from '../../src/testing/index.ts'
import { codexDrill } from '../steps/fake-drill.ts'
import * as volume from '../steps/fake-volume.ts'
import { damagedShop, shop } from '../steps/fake-shop.ts'
import type { ComposeStack } from '../../src/drivers/services.ts'
import { defineStep } from '../../src/model/step.ts'
import type { FilePlace } from '../../src/sections/documents.ts'
import { downLines } from '../../src/run/journal/down.ts'
import { bookOf } from './bench.ts'

const releases = '/srv/codex/releases'
const bundled = {
  ...codexDrill,
  release: {
    source: '/srv/codex',
    name: 'codex',
    directory: releases,
    environment: 'prod',
    exclude: [],
    keep: 2,
    inUse: [],
  },
  publication: { repository: 'codex/codex', api: 'https://api.example', token: null },
} as unknown as Target

const params = { strategy: 'beside' }
const database = 'database shop of shop/db'
const parts = ['service web of shop', 'service worker of shop', database]
const stranger: LockHolder = {
  run: '20261129-131507-aaaaa',
  by: 'anna',
  host: 'host-a',
  since: '2026-11-29T13:15:07.000Z',
}
const started = () => {
  const world = damagedShop()
  return { world, machine: fakeMachine(world, { book: rollback, target: shop }) }
}

describe('the parts of a plan', () => {
  it('are what its changing steps work on, in one order', () => {
    expect(lockPartsOf(planOf(rollback, shop, params).plan).map(partName)).toEqual(parts)
  })

  it('are none for a plan that only looks', () => {
    expect(lockPartsOf(planOf(diagnose, shop, {}).plan)).toEqual([])
  })

  it('are files for SQLite and for services that are processes', () => {
    const stack = {
      kind: 'process' as const,
      project: 'local',
      directory: '/srv/local',
      state: '/srv/local/.processes',
      services: {},
    }
    const local = {
      ...shop,
      stack,
      writers: { stack, names: ['app'] },
      database: { ...shop.database, engine: 'sqlite', name: 'shop', file: '/srv/local/data/shop.db' },
      smoke: { stack, service: 'smoke', command: [] },
    } as unknown as typeof shop
    expect(lockPartsOf(planOf(rollback, local, params).plan)).toEqual([
      {
        kind: 'file',
        path: '/srv/local/.processes/service.app',
        what: 'service app of local',
        makesFolder: true,
      },
      { kind: 'file', path: '/srv/local/data/shop.db', what: 'database shop (/srv/local/data/shop.db)' },
    ])
  })

  it('are the live folder where it is archived, exchanged, or its archives are removed', () => {
    const folder = { kind: 'file', path: '/srv/codex/.codex-api', what: 'data folder /srv/codex/.codex-api' }
    const pruning = { what: 'backups' }
    for (const [book, given] of [
      [backup, {}],
      [drill, { afterwards: 'put-back' }],
      [prune, pruning],
    ] as const)
      expect(lockPartsOf(planOf(book, codexDrill, given).plan)).toContainEqual(folder)
  })

  it('are the processes, whatever folder a target runs them in', () => {
    const partsOf = (directory: string, project: string) => {
      const stack = { kind: 'process' as const, project, directory, state: '/srv/run', services: {} }
      const groups = { app: { stack, names: ['app'] }, writers: { stack, names: ['app'] } }
      return servicesIn(groups as unknown as JsonObject).flatMap((group) =>
        group.names.map((name) => partKey(servicePart(group.stack, name))),
      )
    }
    expect(partsOf('/srv/a', 'one')).toEqual(partsOf('/srv/b', 'other'))
  })

  it('are the folder of release bundles, wherever they are made, published, fetched or removed', () => {
    const folder = { kind: 'file', path: releases, what: `release bundles in ${releases}` }
    for (const [book, given] of [
      [snapshot, {}],
      [publish, {}],
      [fetchRelease, {}],
      [prune, { what: 'bundles' }],
    ] as const)
      expect(lockPartsOf(planOf(book, bundled, given).plan)).toContainEqual(folder)
  })

  it('are the service of a database in a volume, whose copies are removed', () => {
    const service = lockPartsOf(planOf(sqlite, volume.target, {}).plan)
    const pruning = lockPartsOf(planOf(prune, volume.target, { what: 'databases' }).plan)
    expect(service.map(partKey)).toContain('1 docker service/contextsafe/api')
    expect(pruning.map(partKey)).toContain('1 docker service/contextsafe/api')
  })

  it('are a file of this machine that a step replaces', () => {
    const replace = defineStep<{ readonly at: FilePlace }, null>({
      kind: 'test.replace',
      version: 1,
      effect: 'change',
      describe: () => 'Replaces.',
      survey: async () => null,
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
    })
    const at: FilePlace = { inside: null, path: '/srv/documents/a.pdf' }
    const own = bookOf(({ step }) => void step('Replace', replace({ at })))
    expect(lockPartsOf(planOf(own, shop, {}).plan)).toEqual([{ kind: 'file', path: at.path, what: at.path }])
  })

  it('are those of the steps whose outputs a changing step uses', () => {
    const looked = defineStep<
      { readonly stack: ComposeStack; readonly service: string },
      { readonly id: string }
    >({
      kind: 'test.look',
      version: 1,
      effect: 'observe',
      describe: () => 'Looks.',
      run: async () => ({ id: 'x' }),
    })
    const act = defineStep<{ readonly id: string }, null, null>({
      kind: 'test.act',
      version: 1,
      effect: 'change',
      describe: () => 'Acts.',
      survey: async () => null,
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
    })
    const stack = shop.stack as ComposeStack
    const own = bookOf(({ step }) => {
      const { id } = step('Look', looked({ stack, service: 'web' }))
      step('Look elsewhere', looked({ stack, service: 'jobs' }))
      step('Act', act({ id }))
    })
    expect(lockPartsOf(planOf(own, shop, {}).plan).map(partName)).toEqual(['service web of shop'])
  })

  it('leave out another database of the same server, where no service is shared', () => {
    const stack = shop.stack
    const neighbour = {
      ...shop,
      writers: { stack, names: ['till'] },
      database: { ...shop.database, name: 'till' },
    } as typeof shop
    const own = lockPartsOf(planOf(rollback, neighbour, params).plan).map(partName)
    expect(own.filter((name) => parts.includes(name))).toEqual([])
    expect(own).toContain('database till of shop/db')
  })
})

describe('a run', () => {
  it('holds its parts until it ends, and records them', async () => {
    const { world, machine } = started()
    const during: string[] = []
    world.fleet.beforeChange = async () => void during.push(...world.locks.held.keys())
    expect(await machine.run(params)).toMatchObject({ code: 'succeeded' })
    expect([...new Set(during)]).toEqual(parts)
    expect(world.locks.held.size).toBe(0)
    expect(machine.entries[0]?.entry).toMatchObject({
      locks: parts.map((what) => ({ what, missing: null })),
    })
  })

  it.each(parts)('is refused where another holds the %s, from whatever state folder', async (part) => {
    const { world, machine } = started()
    const before = world.state()
    world.locks.held.set(part, stranger)
    await expect(machine.run(params)).rejects.toMatchObject({
      code: 'held',
      message: `${part} is held by run ${stranger.run} (anna on host-a, since ${stranger.since})`,
    })
    expect(world.state()).toEqual(before)
    expect(machine.journal.entries).toEqual([])
    expect([...world.locks.held]).toEqual([[part, stranger]])
  })

  it('excludes another machine with a journal of its own', async () => {
    const { world, machine } = started()
    const other = fakeMachine(world, { book: rollback, target: shop, journal: emptyJournal() })
    let second: unknown = null
    world.fleet.beforeChange = async () => {
      second ??= await other.run(params).catch((thrown: unknown) => thrown)
    }
    expect(await machine.run(params)).toMatchObject({ code: 'succeeded' })
    expect(second).toMatchObject({
      code: 'held',
      message: expect.stringContaining(`is held by run ${machine.entries[0]?.run}`) as string,
    })
  })

  it('that only looks, and a dry run, take none', async () => {
    const { world, machine } = started()
    const taken: string[] = []
    world.locks.held.set = (key, value) => {
      taken.push(key)
      return Map.prototype.set.call(world.locks.held, key, value) as typeof world.locks.held
    }
    await machine.dryRun(params)
    const looking = fakeMachine(world, { book: diagnose, target: shop })
    await looking.run()
    expect(taken).toEqual([])
  })

  it('that is dry says who holds a part', async () => {
    const { world, machine } = started()
    world.locks.held.set(database, stranger)
    const { findings } = await machine.dryRun(params)
    expect(findings).toContainEqual(
      expect.objectContaining({
        level: 'refuse',
        about: 'target',
        problem: expect.stringContaining(`${database} is held by run ${stranger.run}`) as string,
      }),
    )
  })

  it.each(['run', 'dryRun'] as const)(
    '%s: names what it cannot lock, and so does the evidence',
    async (mode) => {
      const { world, machine } = started()
      world.locks.unavailable.set(database, 'permission denied')
      const result = await machine[mode](params)
      expect(result).toMatchObject({ code: 'succeeded' })
      const problem = `other people and machines are not excluded from ${database}: it cannot be locked: permission denied`
      expect(recordOf(machine.entries).findings).toContainEqual(
        expect.objectContaining({ level: 'warn', about: 'lock', problem }),
      )
    },
  )
})

describe('a run that lost a lock', () => {
  it('stops before its next effect, and rolls back when it has the lock again', async () => {
    const { world, machine } = started()
    const before = world.state()
    world.fleet.beforeChange = async () => void world.locks.held.set(database, stranger)
    const result = await machine.run(params)
    expect(result).toMatchObject({
      code: 'held',
      outcome: 'open',
      failure: {
        message: expect.stringContaining(`lost its lock on ${database}: run ${stranger.run}`) as string,
      },
    })
    const last = machine.entries.filter(({ entry }) => entry.type === 'intent').at(-1)
    expect(last?.entry).toMatchObject({ step: 'stop-writers' })
    world.fleet.beforeChange = async () => undefined
    await expect(machine.rollback()).rejects.toMatchObject({ code: 'held' })
    world.locks.held.delete(database)
    expect(await machine.rollback()).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect(world.state()).toMatchObject({ databases: before['databases'], services: before['services'] })
  })

  it.each([
    ['stop', 'forward', /^database shop of shop\/db is DOWN: it last answered at 2026-02-03T05:00:00.000Z/],
    ['start', 'back', /^.*services\.start.*; then database shop of shop\/db is DOWN: it last answered at/],
  ] as const)(
    'since its server died says that, first why it goes back: at %s, %s',
    async (at, way, message) => {
      const { world, machine } = started()
      if (way === 'back') world.faults.order('services.start', 'fail')
      world.fleet.beforeChange = async (operation) => {
        if (operation === at) world.locks.dead.set(database, '2026-02-03T05:00:00.000Z')
      }
      const result = await machine.run(params)
      expect(result).toMatchObject({ code: 'in-doubt', outcome: 'needs-human' })
      expect(result.failure?.message).toMatch(message)
      expect(result.failure?.hint).toMatch(/df -h.*start it: docker compose .* start db; then `runbook /)
      expect(standingOf(machine.entries).down[0]).toEqual({
        service: database,
        since: '2026-02-03T05:00:00.000Z',
        died: true,
      })
      expect(downLines(standingOf(machine.entries))[0]).toMatch(
        /^DOWN since 2026-02-03T05:00:00.000Z: database shop/,
      )
      expect(measuresOf(machine.entries).downtime.seconds).toBeNull()
      world.fleet.beforeChange = async () => undefined
      world.locks.dead.clear()
      await world.clock.sleep(60_000)
      expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
      expect(world.server.databases.get('shop')?.generation).toBe('created 0')
      expect(standingOf(machine.entries).down).toEqual([])
      expect(measuresOf(machine.entries).downtime.seconds).toBeGreaterThanOrEqual(60)
    },
  )

  it('undoes nothing more', async () => {
    const { world, machine } = started()
    world.faults.order('databases.swap', 'fail')
    world.faults.order('services.start', 'fail')
    let starts = 0
    world.fleet.beforeChange = async (operation) => {
      if (operation === 'start' && (starts += 1) === 1) world.locks.held.set(database, stranger)
    }
    const result = await machine.run(params)
    expect(result).toMatchObject({ code: 'held', outcome: 'open' })
    expect(machine.entries.filter(({ entry }) => entry.type === 'undo-intent').length).toBeGreaterThan(0)
    expect(world.server.databases.size).toBe(2)
    world.locks.held.delete(database)
    world.fleet.beforeChange = async () => undefined
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.server.databases.size).toBe(1)
  })

  it('goes on where the thing is stopped, so that nobody can have it', async () => {
    const { world, machine } = started()
    world.fleet.beforeChange = async (operation) => {
      if (operation === 'stop') {
        world.locks.held.delete(database)
        world.locks.down.add(database)
      }
    }
    expect(await machine.run(params)).toMatchObject({ code: 'succeeded' })
  })
})

describe('after a kill', () => {
  it.each(['resume', 'rollback'] as const)('%s takes the locks again', async (way) => {
    const { world, machine } = started()
    world.faults.order('databases.swap half-way', 'kill')
    await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
    const during: string[] = []
    world.fleet.beforeChange = async () => void during.push(...world.locks.held.keys())
    await machine[way]()
    expect([...new Set(during)]).toEqual(parts)
    expect(machine.entries.map(({ entry }) => entry)).toContainEqual(
      expect.objectContaining({ type: 'resumed', locks: parts.map((what) => ({ what, missing: null })) }),
    )
    expect(world.locks.held.size).toBe(0)
  })

  it('waits for the session of its own dead process, and for no other', async () => {
    const { world, machine } = started()
    world.faults.order('databases.swap half-way', 'kill')
    let dead: LockHolder | undefined
    world.fleet.beforeChange = async () => void (dead = world.locks.held.get(database))
    await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
    // The server has not noticed yet that the client is gone.
    const began = world.clock.monotonic()
    const runtime = machine.reboot()
    world.locks.held.set(database, dead as LockHolder)
    void runtime.clock.sleep(8_000).then(() => world.locks.held.delete(database))
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.clock.monotonic() - began).toBeGreaterThanOrEqual(8_000)
  })
})

import { describe, expect, it } from 'vitest'
import migrationDowngrade from '../../runbooks/migration-downgrade.ts'
import recoverRecords from '../../runbooks/recover-records.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { dryRunText } from '../../src/views/dry-run.ts'
import { fakeMachine, Killed, type FakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { damagedShop, goodOrders, shop } from './fake-shop.ts'

const params = { strategy: 'beside' }
const title = 'Start the database if it is stopped'
const lock = 'database shop of shop/db'

const stateOf = ({ fleet }: FakeWorld, service = 'db'): string | undefined =>
  fleet.services.get(service)?.instance?.state
const setState = ({ fleet }: FakeWorld, state: 'stopped' | 'running' | 'paused' | 'restarting'): void => {
  const instance = fleet.services.get('db')?.instance
  if (instance === undefined || instance === null) throw new Error('no instance of db')
  instance.state = state
}

/** The shop whose database is stopped: its lock is offered once it runs. */
function stopped(order: (world: FakeWorld) => void = () => undefined) {
  const world = damagedShop()
  setState(world, 'stopped')
  world.locks.down.add(lock)
  const { beforeChange } = world.fleet
  world.fleet.beforeChange = async (operation, service) => {
    await beforeChange(operation, service)
    if (service === 'db' && operation === 'start') world.locks.down.delete(lock)
  }
  order(world)
  return { world, before: world.state(), machine: fakeMachine(world, { book: rollback, target: shop }) }
}

const preflights = ({ entries }: FakeMachine) =>
  entries.flatMap(({ entry }) => (entry.type === 'preflighted' ? [entry] : []))
const stepOf = ({ entries }: FakeMachine, id: string) =>
  recordOf(entries).steps.find((step) => step.id === id)

describe('a stopped database', () => {
  it('is started by a dry run in words only, which says what it does not know yet', async () => {
    const { machine, before, world } = stopped()
    const result = await machine.dryRun(params)
    expect(result).toMatchObject({ code: 'succeeded', outcome: 'foretold' })
    const text = dryRunText(machine.entries, [])
    expect(text).toContain('  - db is stopped: it is started, and the run waits until it answers\n')
    expect(text).toContain(`not known yet: depends on "${title}"`)
    expect(text).toContain(`${lock} is locked only once it answers: depends on "${title}"`)
    expect(text).not.toContain('Blockers:')
    expect(world.state()).toEqual(before)
  })

  it('is started, what preflight could not ask is asked then, and it stays up after a success', async () => {
    const { machine, world } = stopped()
    const result = await machine.run(params)
    expect(result).toMatchObject({ code: 'succeeded', outcome: 'succeeded' })
    expect(stateOf(world)).toBe('running')
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
    const [first, second, ...more] = preflights(machine)
    expect(more).toEqual([])
    expect(first?.findings).toContainEqual({
      level: 'warn',
      about: 'shop/db',
      problem: `not known yet: depends on "${title}"`,
      hint: expect.stringContaining('connection refused') as string,
      after: 'start-the-database',
    })
    expect(second?.findings.filter(({ after }) => after !== undefined)).toEqual([])
  })

  it('is locked from then on, before anything else is changed, and the evidence says so', async () => {
    const { machine, world } = stopped()
    await machine.run(params)
    const types = machine.entries.map(({ entry }) =>
      entry.type === 'intent' ? `intent ${entry.step}` : entry.type,
    )
    expect(types.indexOf('locked')).toBeGreaterThan(types.indexOf('intent start-the-database'))
    expect(types.indexOf('locked')).toBeLessThan(types.indexOf('intent restore-beside-the-live-database'))
    expect(recordOf(machine.entries).events).toContainEqual(
      expect.objectContaining({ what: 'locked', says: expect.stringContaining(lock) as string }),
    )
    expect(world.locks.held.size).toBe(0)
  })

  it('that another run has locked by then is not changed', async () => {
    const { machine, world } = stopped()
    const { beforeChange } = world.fleet
    world.fleet.beforeChange = async (operation, service) => {
      await beforeChange(operation, service)
      if (service === 'db' && operation === 'start')
        world.locks.held.set(lock, {
          run: '20261129-131507-aaaaa',
          by: 'anna',
          host: 'host-a',
          since: '2026-11-29T13:15:07.000Z',
        })
    }
    const result = await machine.run(params)
    expect(result).toMatchObject({
      code: 'held',
      outcome: 'open',
      failure: { message: expect.stringContaining(`${lock} is held by run 20261129-131507-aaaaa`) as string },
    })
    expect(world.server.databases.size).toBe(1)
  })

  it('is stopped again by a rollback, after every undo that needs it', async () => {
    const { machine, world, before } = stopped(({ faults }) => faults.order('databases.swap', 'fail'))
    expect(await machine.run(params)).toMatchObject({ outcome: 'rolled-back', code: 'failed' })
    expect(world.state()).toMatchObject({
      databases: before['databases'] as object,
      services: before['services'] as object,
    })
    const undone = machine.entries.flatMap(({ entry }) => (entry.type === 'undo-ended' ? [entry.step] : []))
    expect(undone.at(-1)).toBe('start-the-database')
    expect(standingOf(machine.entries)).toMatchObject({ changed: [], unsure: [], down: [] })
  })

  it('is left running where somebody else uses it by then, which is said', async () => {
    const { machine, world } = stopped(({ faults }) => faults.order('databases.swap', 'fail'))
    world.server.sessions.set('shop', [{ id: '7', application: 'psql', user: 'anna' }])
    expect(await machine.run(params)).toMatchObject({ outcome: 'rolled-back' })
    expect(stateOf(world)).toBe('running')
    expect(recordOf(machine.entries).remains).toEqual([
      'db, which was stopped before this run, is left running: 1 session uses it',
    ])
  })

  it('refuses what only the running server shows: it is stopped again, and nothing else is changed', async () => {
    const { machine, world, before } = stopped()
    world.server.acceptsWrites = false
    const result = await machine.run(params)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      code: 'failed',
      failure: { code: 'preflight', message: expect.stringContaining('is read-only') as string },
    })
    expect(world.state()).toMatchObject({ services: before['services'] as object })
    expect(stepOf(machine, 'choose-and-verify-the-dump')?.attempts).toEqual([])
  })

  it('refuses before it is started what can be known without it', async () => {
    const { machine, world, before } = stopped()
    for (const name of [...world.disk.files.keys()].filter((file) => file.endsWith('.sha256')))
      world.disk.files.delete(name)
    expect(await machine.run(params)).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(world.state()).toMatchObject({ services: before['services'] as object })
  })

  it('that does not stay up fails the run, with its exit code and its log', async () => {
    const { machine, world } = stopped()
    const { beforeChange } = world.fleet
    world.fleet.beforeChange = async (operation, service) => {
      await beforeChange(operation, service)
      if (operation !== 'start' || service !== 'db') return
      world.server.reachable = false
      void world.clock.sleep(1_000).then(() => {
        setState(world, 'stopped')
        const instance = world.fleet.services.get('db')?.instance
        if (instance) instance.exitCode = 1
      })
    }
    expect(await machine.run(params)).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        message: 'cannot start db of shop: it stopped again with exit code 1',
        hint: 'look at its log: docker compose --project-name shop --file /srv/shop/compose.yml logs db',
      },
    })
  })

  it('that starts and does not answer is waited for 5 minutes', async () => {
    const { machine, world } = stopped()
    world.server.reachable = false
    const began = world.clock.monotonic()
    expect(await machine.run(params)).toMatchObject({
      failure: { message: 'cannot start db of shop: it does not answer after 300 s' },
    })
    expect(world.clock.monotonic() - began).toBeGreaterThanOrEqual(300_000)
  })

  it.each([
    ['paused', 'db is paused', 'docker compose --project-name shop --file /srv/shop/compose.yml unpause db'],
    [
      'missing',
      'db has no container to start',
      'docker compose --project-name shop --file /srv/shop/compose.yml create db',
    ],
  ] as const)('that is %s is not started: the refusal has the command', async (state, problem, hint) => {
    const { machine, world } = stopped()
    const service = world.fleet.services.get('db')
    if (service === undefined) throw new Error('no db')
    if (state === 'missing') service.instance = null
    else setState(world, state)
    const { findings, outcome } = await machine.run(params)
    expect(outcome).toBe('refused')
    expect(findings).toContainEqual({ level: 'refuse', about: 'db', problem, hint })
  })

  it('whose container and volume are gone is not created by the run, and the refusal says what to type', async () => {
    const { machine, world } = stopped()
    const service = world.fleet.services.get('db')
    if (service === undefined) throw new Error('no db')
    Object.assign(service, { instance: null, volumes: { '/data': 'shop_data' } })
    world.fleet.volumes = new Set()
    const { findings, outcome } = await machine.run(params)
    expect(outcome).toBe('refused')
    expect(findings.filter(({ about }) => about === 'db')).toEqual([
      {
        level: 'refuse',
        about: 'db',
        problem: 'db has no container, and its volume shop_data does not exist: what shop had in it is gone',
        hint: 'start it with an empty database: docker compose --project-name shop --file /srv/shop/compose.yml up --detach --wait db; full-db-rollback then restores the newest backup into it',
      },
    ])
    expect(world.fleet.volumes).toEqual(new Set())
  })

  it('that runs on another volume than the files name is warned of in the dry run, which is not refused', async () => {
    const { machine, world } = stopped()
    const service = world.fleet.services.get('db')
    if (service?.instance == null) throw new Error('no db')
    service.instance = { ...service.instance, volumes: { '/data': 'shop_data' } }
    service.volumes = { '/data': 'shop_new' }
    world.fleet.volumes = new Set(['shop_data', 'shop_new'])
    expect(await machine.dryRun(params)).toMatchObject({ outcome: 'foretold' })
    expect(dryRunText(machine.entries, [])).toContain(
      "warning (db): db has its files in the volume shop_data, and the stack's files name the volume shop_new at /data: recreated, it would have what is there in place of its data",
    )
  })

  it('whose container goes while the run is under way is not created with new volumes', async () => {
    const { machine, world } = stopped()
    let removed = false
    const service = world.fleet.services.get('db')
    if (service === undefined) throw new Error('no db')
    const look = world.drivers
    world.drivers = (scope) => {
      const all = look.call(world, scope)
      return {
        ...all,
        services: {
          ...all.services,
          states: async (group) => {
            // The survey and preflight have seen it by then.
            if (!removed && machine.entries.some(({ entry }) => entry.type === 'intent')) {
              removed = true
              service.instance = null
            }
            return all.services.states(group)
          },
        },
      }
    }
    expect(await machine.run(params)).toMatchObject({
      failure: { message: 'cannot start db of shop: its container is gone' },
    })
    expect(world.fleet.services.get('db')?.instance).toBeNull()
  })

  it('is found started, or started, wherever the run is killed, and then resumed or rolled back', async () => {
    const { machine: whole, world: calm } = stopped()
    await whole.run(params)
    const moments = calm.faults.reached.length
    let turn = 0
    for (let moment = 1; moment <= moments; moment += 7) {
      const way = (turn += 1) % 2 === 0 ? 'resume' : 'rollback'
      const { machine, world, before } = stopped(({ faults }) => faults.killAfter(moment))
      await expect(machine.run(params)).rejects.toThrow(Killed)
      if (machine.entries.length === 0) continue
      const result = await machine[way]().catch((thrown: unknown) => thrown)
      const at = `killed at ${moment}, then ${way}: ${JSON.stringify(result)}`
      const { shop: live } = world.state()['databases'] as JsonObject
      if (way === 'rollback' && stateOf(world) === 'stopped')
        expect(live, at).toEqual((before['databases'] as JsonObject)['shop'])
      else expect(stateOf(world), at).toBe('running')
      expect(world.locks.held.size, at).toBe(0)
    }
  })
})

describe('a database that runs', () => {
  it('is left alone: nothing is asked twice, and a rollback does not stop it', async () => {
    const world = damagedShop()
    const machine = fakeMachine(world, { book: rollback, target: shop })
    world.faults.order('databases.swap', 'fail')
    expect(await machine.run(params)).toMatchObject({ outcome: 'rolled-back' })
    expect(stateOf(world)).toBe('running')
    expect(preflights(machine)).toHaveLength(1)
    expect(stepOf(machine, 'start-the-database')?.attempts.map(({ result }) => result)).toEqual(['already'])
  })

  it('lets a dry run see as much as without the step', async () => {
    const world = damagedShop()
    const machine = fakeMachine(world, { book: rollback, target: shop })
    for (const name of [...world.disk.files.keys()].filter((file) => file.endsWith('.dump')))
      world.disk.files.set(name, Buffer.from('damaged'))
    expect(await machine.dryRun(params)).toMatchObject({ code: 'verification' })
  })

  it('that replays its log is waited for', async () => {
    const world = damagedShop()
    world.server.reachable = false
    const machine = fakeMachine(world, { book: rollback, target: shop })
    const reached = machine.run(params)
    void world.clock.sleep(30_000).then(() => (world.server.reachable = true))
    expect(await reached).toMatchObject({ code: 'succeeded' })
  })
})

it.each([
  ['full-db-rollback', rollback],
  ['recover-records', recoverRecords],
  ['migration-downgrade', migrationDowngrade],
] as const)('%s starts the database of a service first, and no other', (_, book) => {
  const needed = {
    ...shop,
    version: { image: 'shop', pull: 'missing', file: '/srv/.env', variable: 'TAG', services: shop.writers },
    migrations: { tool: { stack: shop.stack, service: 'web', command: [] } },
  } as unknown as typeof shop
  const elsewhere = {
    ...needed,
    database: { ...shop.database, via: { kind: 'server', host: 'db', port: 5432, password: null } },
  } as unknown as typeof shop
  const titles = (target: typeof shop) => planOf(book, target, params).plan.steps.map((step) => step.title)
  expect(titles(needed)[0]).toBe(title)
  expect(titles(elsewhere)).not.toContain(title)
})

import { describe, expect, it } from 'vitest'
import containerRollback from '../../runbooks/container-rollback.ts'
import disableExports from '../../runbooks/disable-exports.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import stackRollback from '../../runbooks/stack-rollback.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeMachine, fakeService, type FakeWorld } from '../../src/testing/index.ts'
import { api, servingApi } from './fake-api.ts'
import { codexTarget, deployed } from './fake-codex.ts'
import { contextsafeWorld, target as contextsafe } from './fake-contextsafe.ts'
import { damagedShop, goodOrders, shop } from './fake-shop.ts'

type State = 'running' | 'restarting' | 'paused' | 'stopped' | 'missing'

/** A proxy of the stack publishes the port of every health address, and nothing answers there. */
function behindProxy(world: FakeWorld, state: State): FakeWorld {
  const proxy = fakeService('proxy:1')
  const [other] = [...world.fleet.services.values()].flatMap(({ instance }) => instance ?? [])
  if (state !== 'missing' && other !== undefined) proxy.instance = { ...other, state }
  world.fleet.services.set('proxy', proxy)
  world.fleet.published = [{ service: 'proxy', port: 80 }]
  for (const url of world.web.answers.keys()) world.web.answers.set(url, ['refused'])
  return world
}

const about = ({ findings }: { readonly findings: readonly JsonObject[] }): readonly JsonObject[] =>
  findings.filter(({ problem }) => /which publishes port/.test(String(problem)))

const cases: readonly (readonly [string, Runbook, Target, () => FakeWorld, JsonObject])[] = [
  ['full-db-rollback', rollback, shop, damagedShop, { strategy: 'beside' }],
  ['container-rollback', containerRollback, contextsafe, () => contextsafeWorld({ pulled: true }), {}],
  ['disable-exports', disableExports, api, () => servingApi(), { mode: 'off' }],
  ['stack-rollback', stackRollback, codexTarget, () => deployed(), { env: 'prod' }],
]

describe.each(cases)('%s, whose health address is published by a proxy', (_, book, target, world, params) => {
  it.each([
    ['missing', 'up --detach --no-deps proxy'],
    ['stopped', 'start proxy'],
    ['paused', 'unpause proxy'],
  ] as const)(
    'that is %s, is refused before anything is touched, with the command',
    async (state, command) => {
      const at = behindProxy(world(), state)
      const before = at.state()
      const machine = fakeMachine(at, { book, target })
      const dry = await machine.dryRun(params)
      expect(about(dry)).toContainEqual(
        expect.objectContaining({
          level: 'refuse',
          problem: expect.stringContaining(`proxy, which publishes port 80, is ${state}`) as string,
        }),
      )
      const result = await machine.run(params)
      expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
      expect(about(result)[0]).toMatchObject({
        level: 'refuse',
        problem: expect.stringMatching(/ is \w+, and no step of this run starts it: /) as string,
        hint: expect.stringMatching(new RegExp(`^docker compose .* ${command}; then start again$`)) as string,
      })
      expect(at.state()).toEqual(before)
    },
  )
})

describe('full-db-rollback', () => {
  const params = { strategy: 'beside' }
  const run = (world: FakeWorld, target = shop) => fakeMachine(world, { book: rollback, target }).run(params)
  const answering = (world: FakeWorld): FakeWorld => {
    world.web.answers.set('http://shop/health', [{ status: 200, json: { ok: true } }])
    return world
  }

  it('says which of its steps starts the service, and starts it', async () => {
    const world = damagedShop()
    world.fleet.published = [{ service: 'web', port: 80 }]
    const web = world.fleet.services.get('web')
    if (!web?.instance) throw new Error('the shop has no web')
    web.instance.state = 'stopped'
    // Nothing listens where the service is down.
    world.web.answers.set('http://shop/health', ['refused', { status: 200, json: { ok: true } }])
    const result = await run(world)
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(about(result)).toMatchObject([
      {
        level: 'warn',
        problem: 'web: web, which publishes port 80, is stopped now',
        hint: 'nothing: "Start writers" starts it',
      },
    ])
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
  })

  it.each([
    [
      'that restarts, as one does whose upstream is down',
      (world: FakeWorld) => behindProxy(world, 'restarting'),
    ],
    [
      'that is stopped, while something else answers there',
      (world: FakeWorld) => answering(behindProxy(world, 'stopped')),
    ],
    [
      'that is missing, while another service publishes the port too',
      (world: FakeWorld) => {
        behindProxy(world, 'missing')
        world.fleet.published = ['proxy', 'web'].map((service) => ({ service, port: 80 }))
        return world
      },
    ],
  ])('is not refused for a proxy %s', async (_, order) => {
    expect(about(await run(order(damagedShop())))).toEqual([])
  })

  it.each([
    ['missing', 'web is missing', 'up --detach --no-deps proxy'],
    ['none', 'runs, but has no health check of its own', 'give proxy a healthcheck'],
  ] as const)('is refused for a service whose own check cannot pass: %s', async (state, why, cure) => {
    const world = behindProxy(damagedShop(), state === 'missing' ? 'missing' : 'running')
    const service = { stack: shop.stack!, names: ['proxy'] }
    const health = [{ name: 'proxy', service, passes: 1, withinSeconds: 5, everySeconds: 1 }]
    const result = await run(world, { ...shop, health } as Target)
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(result.findings).toContainEqual({
      level: 'refuse',
      about: 'proxy',
      problem: expect.stringContaining(why.replace('web', 'proxy')) as string,
      hint: expect.stringContaining(cure) as string,
    })
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bucket, inBucket } from '../../steps/fake-bucket.ts'
import diagnose from '../../../runbooks/diagnose.ts'
import { commitOn, fakeMachine, fakeService, lay, type FakeWorld } from '../../../src/testing/index.ts'
import { recordOf } from '../../../src/run/record/record.ts'
import type { Target } from '../../../src/model/target.ts'
import { drifts } from './drifts.ts'
import { doctorOn, foundBy, healthyShop, shop } from './healthy.ts'

test('a healthy system gives no finding, and nothing is unchecked', async () => {
  const world = healthyShop()
  const before = world.state()
  const reports = await doctorOn(world)
  expect(foundBy(reports)).toEqual([])
  expect(reports.flatMap(({ unchecked }) => unchecked)).toEqual([])
  expect(world.state()).toEqual(before)
})

describe('sees', () => {
  test.each(drifts.map((drift) => [drift.what, drift] as const))('%s', async (_, drift) => {
    const world = healthyShop()
    const setting = drift.seed(world) ?? {}
    const before = world.state()
    const found = foundBy(await doctorOn(world, setting))
    const same = found.filter(({ problem }) => drift.problem.test(problem))
    expect(same, JSON.stringify(found, null, 1)).not.toEqual([])
    expect(same[0]).toMatchObject({ check: drift.check, level: drift.level })
    // Each finding says what to do.
    for (const { hint } of found) expect(hint).not.toBe('')
    expect(world.state()).toEqual(before)
  })
})

const line = 'docker compose --project-name shop --file /srv/shop/compose.yml'
const seededBy = (what: string, world = healthyShop()) => {
  const setting = drifts.find((drift) => drift.what === what)?.seed(world) ?? {}
  return { world, setting }
}

test('after `docker compose down -v` it says what to type, in order, and each thing once', async () => {
  const { world, setting } = seededBy('The stack was removed with its volumes')
  world.fleet.published = [{ service: 'proxy', port: 80 }]
  world.fleet.services.set('proxy', fakeService('proxy:1'))
  world.web.answers.delete('http://shop/health')
  const found = foundBy(await doctorOn(world, setting)).filter(({ check }) =>
    // The fake database says in other words that its service has no container.
    ['services', 'addresses', 'symptoms'].includes(check),
  )
  expect(found.map(({ check, problem, hint }) => [check, problem, hint])).toEqual([
    [
      'services',
      'db has no container, and its volume shop_data does not exist: what shop had in it is gone',
      `${line} up --detach --wait --no-deps db proxy starts it with an empty database; then: runbook run full-db-rollback --target shop`,
    ],
    [
      'services',
      'services web, worker are missing: they have no containers',
      'nothing now: runbook run full-db-rollback --target shop starts them',
    ],
    [
      'addresses',
      expect.stringMatching(/^web: .*; proxy, which publishes port 80, is missing$/),
      expect.stringMatching(`^${line} up --detach --no-deps proxy; then: curl -i http://shop/health; `),
    ],
  ])
})

test('after `docker compose down` the volumes are there, and one command brings all of it back', async () => {
  const { world, setting } = seededBy('The stack was removed with its volumes')
  world.fleet.volumes = new Set(['shop_data'])
  const found = foundBy(await doctorOn(world, setting)).filter(({ check }) => check === 'services')
  expect(found).toMatchObject([
    {
      problem: 'services db, web, worker are missing: they have no containers',
      hint: `${line} up --detach db web worker`,
    },
  ])
})

test('a service that a run created without its dependencies is no difference from the files', async () => {
  const world = healthyShop()
  const { services } = world.fleet
  const drivers = (scope: Parameters<typeof world.drivers>[0]) => {
    const all = world.drivers(scope)
    return { ...all, services: { ...all.services, outdated: async () => ['web'] } }
  }
  const like = { ...world, drivers, state: () => world.state() } as unknown as typeof world
  expect(foundBy(await doctorOn(like))).toEqual([])
  services.get('web')!.declared = 'web:3'
  const found = foundBy(await doctorOn(like)).filter(({ check }) => check === 'services')
  expect(found).toMatchObject([{ problem: expect.stringContaining('another image') }])
})

test('what `up` would recreate is asked only of services that run from another image', async () => {
  const world = healthyShop()
  const asked: (readonly string[])[] = []
  const built = { image: null, built: true } as const
  const drivers = (scope: Parameters<typeof world.drivers>[0]) => {
    const all = world.drivers(scope)
    const { declared, outdated } = all.services
    return {
      ...all,
      services: {
        ...all.services,
        declared: async (group: Parameters<typeof declared>[0]) =>
          (await declared(group)).map((one) => (one.service === 'web' ? { ...one, ...built } : one)),
        outdated: async (group: Parameters<typeof outdated>[0]) => {
          asked.push(group.names)
          return []
        },
      },
    }
  }
  const like = { ...world, drivers, state: () => world.state() } as unknown as typeof world
  expect(foundBy(await doctorOn(like))).toEqual([])
  expect(asked).toEqual([['web']])
})

test('judges a backup in a bucket without a download, and says that nobody looked into it', async () => {
  const { world } = inBucket(healthyShop())
  const backups = { ...shop.backups, directory: '/state/downloads/shop', from: bucket, cacheBytes: 1_000_000 }
  const reports = await doctorOn(world, { target: { ...shop, backups } as Target })
  expect(foundBy(reports)).toEqual([])
  expect(reports.flatMap(({ unchecked }) => unchecked.map(({ why }) => why)).join('\n')).toContain(
    'it is in s3://backups, and nothing is downloaded to look into it',
  )
  expect(world.faults.reached).not.toContain('places.fetch')
})

test.each([
  ['healthy', null],
  ['starting', 'web: the health check of web is still starting'],
  ['none', 'web: web runs, but has no health check of its own'],
] as const)('looks at the own check of a service: %s', async (state, problem) => {
  const world = healthyShop()
  const web = world.fleet.services.get('web')
  if (web === undefined || shop.stack === undefined) throw new Error('the shop has no web')
  web.health = state
  const service = { stack: shop.stack, names: ['web'] }
  const target = { ...shop, health: [{ name: 'web', service, passes: 2, withinSeconds: 5, everySeconds: 1 }] }
  const found = foundBy(await doctorOn(world, { target })).filter(({ check }) => check === 'addresses')
  expect(found.map((one) => one.problem)).toEqual(problem === null ? [] : [problem])
  for (const { hint, level } of found)
    expect([level, hint]).toEqual(['refuse', expect.stringContaining(`${line} ps --all web; `)])
})

test('a stopped proxy is named with the command that starts it, and no version is blamed for it', async () => {
  const { world, setting } = seededBy('A proxy before the health check is stopped')
  Object.assign(world.fleet.services.get('proxy')?.instance ?? {}, { exitCode: 137 })
  const start = `${line} start proxy`
  const found = foundBy(await doctorOn(world, setting)).filter(({ problem }) => problem.includes('proxy'))
  expect(found).toMatchObject([{ check: 'addresses', hint: expect.stringMatching(`^${start}; then: `) }])
  expect(found[0]?.runbooks).toContain('full-db-rollback')
  const machine = fakeMachine(world, { book: diagnose, target: shop })
  await machine.run({ symptom: 'any' })
  const report = recordOf(machine.entries).steps.find(({ id }) => id === 'tell-what-was-seen')
  expect(report?.output).toMatchObject({
    findings: [
      {
        case: 'service-stopped',
        runbook: null,
        evidence: expect.arrayContaining([
          `proxy, which publishes port 80, is stopped; to bring it up: ${start}`,
        ]),
      },
    ],
  })
})

const diagnosed = async (world: FakeWorld, target: Target = shop): Promise<readonly string[]> => {
  const machine = fakeMachine(world, { book: diagnose, target })
  await machine.run({ symptom: 'any' })
  const report = recordOf(machine.entries).steps.find(({ id }) => id === 'tell-what-was-seen')
  const { findings } = (report?.output ?? { findings: [] }) as {
    readonly findings: readonly { readonly case: string }[]
  }
  return findings.map(({ case: id }) => id)
}

test('diagnose finds nothing where the doctor finds nothing: settings files without a copy are no problem', async () => {
  expect(await diagnosed(healthyShop())).toEqual([])
})

test('diagnose names the missing copy of a settings file where the settings are what is wrong', async () => {
  const world = healthyShop()
  const stack = { ...shop.stack, envFiles: ['/srv/shop/.env'] } as NonNullable<Target['stack']>
  expect(await diagnosed(world, { ...shop, stack })).toEqual(['configuration-bad', 'no-way-back'])
})

const ofNewestDump = drifts.filter(
  ({ check, level, what }) => check === 'backups' && level === 'refuse' && /backup|dump/.test(what),
)

test.each(ofNewestDump.map((drift) => [drift.what, drift] as const))(
  'diagnose sees of the backups what the doctor refuses: %s',
  async (_, drift) => {
    const world = healthyShop()
    const { target } = drift.seed(world) ?? {}
    expect(await diagnosed(world, target)).not.toEqual([])
  },
)

test('where git would commit the evidence, the journal line says so, and it is no finding', async () => {
  const world = healthyShop()
  const advice = async () =>
    (await doctorOn(world))
      .find(({ check }) => check === 'journal')
      ?.facts.find((fact) => fact.includes('git'))
  expect(await advice()).toBeUndefined()
  lay(world.disk, '/.gitignore', '')
  commitOn(world.repositories, world.disk, '/')
  expect(await advice()).toBe(
    'git does not ignore /artifacts, where evidence is written: (cd / && echo /artifacts/ >> .gitignore)',
  )
  expect(foundBy(await doctorOn(world))).toEqual([])
})

test('the drifts are those that docs/doctor.md lists', () => {
  const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8')
  const listed = page.split('## Drifts that it sees')[1] ?? ''
  expect([...listed.matchAll(/^- (.*)\.$/gm)].map(([, what]) => what)).toEqual(drifts.map(({ what }) => what))
  expect(drifts.length).toBeGreaterThan(40)
})

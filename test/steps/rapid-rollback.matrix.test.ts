import { describe, expect, it } from 'vitest'
import rapid from '../../runbooks/rapid-rollback.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { parseImageName } from '../../steps/images/lib/names.ts'
import { linkTo } from '../../steps/releases/switch-folder.ts'
import { provesItself } from '../fixtures/matrix.ts'
import {
  backend,
  badlyDeployed,
  badlyLinked,
  badlyPinned,
  braceShop,
  envFile,
  frontend,
  linkedShop,
  pinnedShop,
  released,
} from './fake-brace.ts'

const checklist = '/artifacts/checklist.md'
const runs = (world: FakeWorld): readonly unknown[] =>
  released.map((name) => world.fleet.services.get(name)?.instance?.imageId)
const good = [backend.good, frontend.good, backend.good, backend.good]

provesItself({
  name: 'rapid-rollback',
  book: rapid,
  target: braceShop,
  params: { to: '1.4' },
  world: badlyDeployed,
  records: [checklist],
  succeeded: (world) => {
    expect(runs(world)).toEqual(good)
    expect(world.images.images.get(backend.good)?.tags).toContain('brace/backend:latest')
    // The bad release keeps a name of its own, or the next clearing away would take it.
    expect(world.images.images.get(backend.bad)?.tags).toEqual([
      expect.stringMatching(/^brace\/backend:before-/),
    ])
    expect(Buffer.from(world.disk.files.get(checklist) ?? []).toString()).toContain('| succeeded | 1.4 |')
  },
})

provesItself({
  name: 'rapid-rollback by a tag in the env file',
  book: rapid,
  target: pinnedShop,
  params: { to: '1.4' },
  records: [checklist],
  world: () => {
    const world = badlyPinned()
    const { services } = world.fleet
    services.get('scheduler')!.instance!.state = 'stopped'
    // One was scaled by hand, and one never started.
    services.get('backend')!.instance!.count = 3
    services.get('admin-bot')!.instance = null
    return world
  },
  succeeded: (world) => {
    expect(runs(world)).toEqual(good)
    expect(Buffer.from(world.disk.files.get('/srv/brace/infra/.env') ?? []).toString()).toBe(envFile('1.4'))
    expect(world.images.images.get(backend.bad)?.tags).toEqual(['brace/backend:1.5'])
    expect(world.fleet.services.get('backend')?.instance?.count).toBe(3)
  },
})

describe('rapid-rollback by a tag in the env file', () => {
  it.each<[string, string, (world: FakeWorld) => void, RegExp]>([
    [
      'a tag of which there is no image',
      '1.3',
      () => undefined,
      /image brace\/backend:1\.3 of backend not found/,
    ],
    ['what runs already', '1.5', () => undefined, /release 1\.5 is already running/],
    [
      'a stack that takes no tag from it',
      '1.4',
      ({ fleet }) =>
        released.forEach((name) => void (fleet.services.get(name)!.declared = `brace/${name}:latest`)),
      /IMAGE_TAG selects no image/,
    ],
    [
      'services that run with a file which the target does not name',
      '1.4',
      ({ fleet }) => void (fleet.services.get('frontend')!.settings = 'without the override'),
      /frontend runs with other settings than the stack's files declare/,
    ],
    [
      'a stack that runs under another project name',
      '1.4',
      ({ fleet }) => {
        fleet.services.get('backend')!.instance = null
        fleet.elsewhere = { backend: 'brace-main' }
      },
      /the project brace-main has one from the same files/,
    ],
    ['no env file', '1.4', ({ disk }) => void disk.files.delete('/srv/brace/infra/.env'), /\.env/],
    ['a hostile tag', '1.4\nDB_PASSWORD=', () => undefined, /is not an image tag/],
  ])('refuses %s', async (_, to, change, words) => {
    const world = badlyPinned()
    change(world)
    const before = world.state()
    const result = await fakeMachine(world, { book: rapid, target: pinnedShop }).run({ to })
    expect(JSON.stringify(result)).toMatch(words)
    expect(result.code).toMatch(/preflight|usage/)
    expect(world.state()).toEqual(before)
  })
})

describe('rapid-rollback of a stack in which services do not run', () => {
  it.each(['dryRun', 'run'] as const)('says which it starts: %s', async (how) => {
    const world = badlyPinned()
    world.fleet.services.get('scheduler')!.instance!.state = 'stopped'
    world.fleet.services.get('admin-bot')!.instance = null
    const result = await fakeMachine(world, { book: rapid, target: pinnedShop })[how]({ to: '1.4' })
    const starts = result.findings.filter(({ problem }) => problem.endsWith('and the run starts it'))
    expect(starts.map(({ level, problem }) => `${level}: ${problem}`).toSorted()).toEqual([
      'warn: admin-bot has no instance now, and the run starts it',
      'warn: scheduler is stopped now, and the run starts it',
    ])
  })
})

describe('rapid-rollback by a tag in the env file, on the way back', () => {
  const machine = (world: FakeWorld) => fakeMachine(world, { book: rapid, target: pinnedShop })
  const sick = (): FakeWorld => {
    const world = badlyPinned()
    world.web.answers.set('http://brace/', [{ status: 500 }])
    return world
  }

  it.each<[string, (world: FakeWorld) => void, RegExp]>([
    [
      'other settings',
      ({ fleet }) => void (fleet.services.get('backend')!.settings = 'edited meanwhile'),
      /backend was recreated from another declaration than before/,
    ],
    [
      'other mounts',
      ({ fleet }) => void (fleet.services.get('backend')!.mounts = { '/data': '/elsewhere' }),
      /backend has other mounts than before/,
    ],
  ])('is not done where the previous image comes back with %s', async (_, change, words) => {
    const world = sick()
    let ups = 0
    world.fleet.beforeChange = (operation) => {
      ups += Number(operation === 'up')
      if (ups === released.length + 1) change(world)
    }
    const run = machine(world)
    expect(await run.run({ to: '1.4' })).toMatchObject({ code: 'rollback-incomplete' })
    expect(JSON.stringify(run.entries)).toMatch(words)
  })

  it('leaves no container where there was none', async () => {
    const world = sick()
    world.fleet.services.get('scheduler')!.instance = null
    expect(await machine(world).run({ to: '1.4' })).toMatchObject({ outcome: 'rolled-back' })
    expect(world.fleet.services.get('scheduler')!.instance).toBeNull()
  })
})

provesItself({
  name: 'rapid-rollback by folder',
  book: rapid,
  target: linkedShop,
  params: { to: '2026-02-02' },
  world: badlyLinked,
  records: [checklist],
  succeeded: (world) => {
    expect(world.disk.links.get('/srv/brace/current')).toBe('releases/2026-02-02')
    expect(released.map((name) => world.fleet.services.get(name)?.instance)).toEqual(
      released.map(() =>
        expect.objectContaining({
          state: 'running',
          mounted: { '/app': '/srv/brace/releases/2026-02-02/app' },
        }),
      ),
    )
    expect(world.fleet.services.get('db')?.instance).toMatchObject({ id: 'db-6' })
  },
})

describe('rapid-rollback by folder', () => {
  const machine = (world: FakeWorld) => fakeMachine(world, { book: rapid, target: linkedShop })

  it('makes the services anew where the link was changed by hand and they mount the old folder still', async () => {
    const world = badlyLinked()
    world.disk.links.set('/srv/brace/current', 'releases/2026-02-02')
    expect(await machine(world).run({ to: '2026-02-02' })).toMatchObject({ code: 'succeeded' })
    expect(world.fleet.services.get('backend')?.instance?.mounted).toEqual({
      '/app': '/srv/brace/releases/2026-02-02/app',
    })
  })

  it('goes back where a service does not mount by way of the link', async () => {
    const world = badlyLinked()
    world.fleet.services.get('backend')!.mounts = { '/app': '/srv/brace/releases/2026-02-03/app' }
    const before = world.state()
    expect(await machine(world).run({ to: '2026-02-02' })).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        message: expect.stringContaining(
          '/app/VERSION in backend is not that of the release 2026-02-02',
        ) as string,
      },
    })
    expect({ ...world.state(), files: {} }).toEqual({ ...before, files: {} })
  })

  it.each<[string, string, (world: FakeWorld) => void, RegExp]>([
    [
      'a release that is not there',
      '2026-01-01',
      () => undefined,
      /folder \S*2026-01-01 not found \(available: 2026-02-01, 2026-02-02, 2026-02-03\)/,
    ],
    ['what runs already', '2026-02-03', () => undefined, /already runs the release 2026-02-03/],
    ['a hostile name', '../../etc', () => undefined, /is not a release name/],
    ['an empty name', '', () => undefined, /is not a release name/],
    [
      'a folder that is not whole',
      '2026-02-01',
      ({ disk }) => void disk.files.delete('/srv/brace/releases/2026-02-01/app/VERSION'),
      /file app\/VERSION not found in the release/,
    ],
    [
      'a folder in the place of the link',
      '2026-02-02',
      ({ disk }) => void (disk.links.delete('/srv/brace/current'), disk.folders.add('/srv/brace/current')),
      /is not a symbolic link/,
    ],
  ])('refuses %s', async (_, to, change, words) => {
    const world = badlyLinked()
    change(world)
    const before = world.state()
    const result = await machine(world).run({ to })
    expect(JSON.stringify(result)).toMatch(words)
    expect(result.code).toMatch(/preflight|usage/)
    expect(world.state()).toEqual(before)
  })

  it.each([
    ['releases/2026-02-03', '/srv/brace/releases', 'releases/2026-02-02'],
    ['/srv/brace/releases/2026-02-03', '/srv/brace/releases', '/srv/brace/releases/2026-02-02'],
    ['releases/2026-02-03', '/var/releases', '/var/releases/2026-02-02'],
  ])('writes the link as it was written, %s with releases in %s: %s', (was, directory, is) =>
    expect(linkTo({ link: '/srv/brace/current', directory }, was, '2026-02-02')).toBe(is),
  )
})

describe('rapid-rollback', () => {
  const machine = (world: FakeWorld) => fakeMachine(world, { book: rapid, target: braceShop })
  const refused = async (world: FakeWorld, params: { readonly to: string }, words: RegExp): Promise<void> => {
    const before = world.state()
    const result = await machine(world).run(params)
    expect(result.outcome ?? result.code).toMatch(/refused|usage|preflight/)
    expect(JSON.stringify(result)).toMatch(words)
    expect({ ...world.state(), files: {} }).toEqual({ ...before, files: {} })
  }

  it('goes back when the frontend answers 200 with something that is no page', async () => {
    const world = badlyDeployed()
    const before = world.state()
    world.web.answers.set('http://brace/', [{ status: 200, text: 'upstream is down' }])
    expect(await machine(world).run({ to: '1.4' })).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('<!doctype html>') as string },
    })
    expect({ ...world.state(), files: {} }).toEqual({ ...before, files: {} })
  })

  it('refuses a release of which an image is missing, and names those that are there', () =>
    refused(
      badlyDeployed(),
      { to: '1.5' },
      /image brace\/backend:1\.5 of backend not found.*brace\/backend:latest, brace\/backend:1\.4|image brace\/backend:1\.5 of backend not found/,
    ))
  it.each(['', '-rf', '../x', 'a b', 'x'.repeat(200), '1.4@sha256:0'])('refuses %j as a tag', (to) =>
    refused(badlyDeployed(), { to }, /is not an image tag/),
  )
  it('refuses the release that runs', async () => {
    const world = badlyDeployed()
    world.images.images.get(backend.bad)!.tags = ['brace/backend:1.5', 'brace/backend:latest']
    await refused(world, { to: '1.5' }, /release 1\.5 is already running/)
  })
  it('refuses to let a tag that says a version mean another one', async () => {
    const world = badlyDeployed()
    world.fleet.services.get('backend')!.declared = 'brace/backend:1.5'
    await refused(world, { to: '1.4' }, /its tag is a version, which must not be moved/)
  })
  it('says first that a release is not here, where the tag could not be moved either, and names the cure', async () => {
    const world = badlyDeployed()
    world.fleet.services.get('backend')!.declared = 'brace/backend:1.5'
    await refused(
      world,
      { to: 'v9' },
      /image brace\/backend:v9 of backend not found[^"]*; and brace\/backend:1\.5 could not be retagged: its tag is a version.*section `version`/,
    )
  })
  it('refuses an image that is named by its digest', async () => {
    const world = badlyDeployed()
    world.fleet.services.get('backend')!.declared = `brace/backend@${backend.bad}`
    await refused(world, { to: '1.4' }, /is pinned by digest/)
  })
  it.each([
    ['brace/backend', 'brace/backend', 'latest'],
    ['brace/backend:1.4', 'brace/backend', '1.4'],
    ['box:5000/backend', 'box:5000/backend', 'latest'],
    ['box:5000/backend:stable', 'box:5000/backend', 'stable'],
  ])('reads the name %s as %s and %s', (name, repository, tag) =>
    expect(parseImageName(name)).toEqual({ repository, tag }),
  )
})

import type { Target } from '../../src/model/target.ts'
import {
  emptyDisk,
  emptyStore,
  emptyWeb,
  lay,
  fakeWorld,
  fakeImage,
  runOn,
  runningFleet,
  type FakeWorld,
} from '../../src/testing/index.ts'

const stack = {
  kind: 'compose',
  project: 'brace',
  directory: '/srv/brace/infra',
  files: ['/srv/brace/infra/docker-compose.prod.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const check = {
  status: 200,
  passes: 2,
  withinSeconds: 30,
  everySeconds: 1,
  timeoutSeconds: 1,
  json: {},
  bearer: null,
} as const

export const released = ['backend', 'frontend', 'admin-bot', 'scheduler'] as const

/** The shop of document 002, whose Compose file asks for images by names that move. */
export const braceShop: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'pretended-brace' as string as Target['name'],
  title: 'Brace',
  objectives: { rtoSeconds: 1800, rpoSeconds: null },
  stack,
  app: { stack, names: released },
  health: [
    { ...check, name: 'backend', url: 'http://brace/api/health' },
    { ...check, name: 'frontend', url: 'http://brace/', text: '<!doctype html>' },
  ],
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

/** The same shop, whose Compose file asks for `${IMAGE_TAG}`. */
export const pinnedShop: Target = (() => {
  const pinned = { ...stack, envFiles: ['/srv/brace/infra/.env'] } as const
  const services = { stack: pinned, names: released }
  return {
    ...braceShop,
    stack: pinned,
    app: services,
    version: {
      services,
      file: '/srv/brace/infra/.env',
      variable: 'IMAGE_TAG',
      image: 'brace/backend:{tag}',
      registry: null,
      pull: 'missing',
    },
  }
})()

export const backend = { good: `sha256:${'a1'.repeat(32)}`, bad: `sha256:${'b1'.repeat(32)}` } as const
export const frontend = { good: `sha256:${'a2'.repeat(32)}`, bad: `sha256:${'b2'.repeat(32)}` } as const

/** After a bad deployment: `latest` is the bad release, and the one before is still on the machine by its tag. */
export function badlyDeployed(): FakeWorld {
  const images = emptyStore()
  images.images.set(backend.good, fakeImage('brace/backend:1.4'))
  images.images.set(backend.bad, fakeImage('brace/backend:latest'))
  images.images.set(frontend.good, fakeImage('brace/frontend:1.4'))
  images.images.set(frontend.bad, fakeImage('brace/frontend:1.5', 'brace/frontend:latest'))
  const fleet = runningFleet({
    db: 'postgres:17',
    backend: 'brace/backend:latest',
    frontend: 'brace/frontend:latest',
    'admin-bot': 'brace/backend:latest',
    scheduler: 'brace/backend:latest',
  })
  runOn(fleet, images)
  const web = emptyWeb()
  const runs = (service: string): string | undefined => fleet.services.get(service)?.instance?.imageId
  web.answers.set('http://brace/api/health', [
    () => (runs('backend') === backend.good ? { status: 200, json: { status: 'ok' } } : { status: 500 }),
  ])
  web.answers.set('http://brace/', [{ status: 200, text: '<!DOCTYPE html><title>brace</title>' }])
  const disk = emptyDisk()
  disk.folders.add('/artifacts')
  return fakeWorld({ disk, web, fleet, images })
}

/** What the env file of `pinnedShop` holds beside the tag. */
export const envFile = (tag: string): string => `DB_PASSWORD='x y'\r\nIMAGE_TAG=${tag}\n# by hand\n`

/** After a bad deployment of 1.5, picked in the env file. */
export function badlyPinned(): FakeWorld {
  const world = badlyDeployed()
  lay(world.disk, '/srv/brace/infra/.env', envFile('1.5'))
  for (const [id, name] of [
    [backend.bad, 'backend'],
    [frontend.bad, 'frontend'],
  ] as const) {
    const image = world.images.images.get(id)
    if (image !== undefined) image.tags = [`brace/${name}:1.5`]
    for (const service of world.fleet.services.values()) {
      if (service.declared !== `brace/${name}:latest`) continue
      service.declared = `brace/${name}:\${IMAGE_TAG}`
      if (service.instance !== null)
        service.instance = { ...service.instance, image: `brace/${name}:1.5`, imageId: id }
    }
  }
  return world
}

/** The same shop, deployed by a link to a folder. */
export const linkedShop: Target = {
  ...braceShop,
  releaseFolders: {
    link: '/srv/brace/current',
    directory: '/srv/brace/releases',
    proof: { file: 'app/VERSION', services: { stack, names: ['backend'] }, inside: '/app/VERSION' },
  },
}

/** After a bad deployment of 2026-02-03: the link leads there, and the containers were made from there. */
export function badlyLinked(): FakeWorld {
  const world = badlyDeployed()
  for (const day of ['01', '02', '03'])
    lay(world.disk, `/srv/brace/releases/2026-02-${day}/app/VERSION`, `2026-02-${day}\n`)
  world.disk.links.set('/srv/brace/current', 'releases/2026-02-03')
  world.fleet.services.forEach((service, name) => {
    if (name === 'db') return
    service.mounts = { '/app': '/srv/brace/current/app' }
    if (service.instance !== null)
      service.instance = { ...service.instance, mounted: { '/app': '/srv/brace/releases/2026-02-03/app' } }
  })
  // One that was stopped by hand is to stand still again when all is taken back.
  const { instance } = world.fleet.services.get('scheduler') ?? {}
  if (instance != null) instance.state = 'stopped'
  const mounted = (): string | undefined => world.fleet.services.get('backend')?.instance?.mounted?.['/app']
  world.web.answers.set('http://brace/api/health', [
    () =>
      mounted() === '/srv/brace/releases/2026-02-02/app'
        ? { status: 200, json: { status: 'ok' } }
        : { status: 500 },
  ])
  return world
}

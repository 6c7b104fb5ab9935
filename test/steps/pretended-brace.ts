import type { Target } from '../../src/model/target.ts'
import { emptyDisk, emptyStore, emptyWeb, memoryWorld, pretendedImage, runOn, runningFleet, type MemoryWorld } from '../../src/testing/index.ts'

const stack = {
  kind: 'compose', project: 'brace', directory: '/srv/brace/infra', files: ['/srv/brace/infra/docker-compose.prod.yml'], envFiles: [], profiles: [], environment: {},
} as const
const check = { status: 200, passes: 2, withinSeconds: 30, everySeconds: 1, timeoutSeconds: 1, json: {}, bearer: null } as const

export const released = ['backend', 'frontend', 'admin-bot', 'scheduler'] as const

/** The shop of document 002, whose Compose file asks for images by names that move. */
export const braceShop: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'pretended-brace' as string as Target['name'],
  title: 'Brace',
  objectives: { rtoSeconds: 1800, rpoSeconds: null },
  stack,
  app: { stack, names: released },
  health: [{ ...check, name: 'backend', url: 'http://brace/api/health' }, { ...check, name: 'frontend', url: 'http://brace/', text: '<!doctype html>' }],
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

export const backend = { good: `sha256:${'a1'.repeat(32)}`, bad: `sha256:${'b1'.repeat(32)}` } as const
export const frontend = { good: `sha256:${'a2'.repeat(32)}`, bad: `sha256:${'b2'.repeat(32)}` } as const

/** After a bad deployment: `latest` is the bad release, and the one before is still on the machine by its tag. */
export function badlyDeployed(): MemoryWorld {
  const images = emptyStore()
  images.images.set(backend.good, pretendedImage('brace/backend:1.4'))
  images.images.set(backend.bad, pretendedImage('brace/backend:latest'))
  images.images.set(frontend.good, pretendedImage('brace/frontend:1.4'))
  images.images.set(frontend.bad, pretendedImage('brace/frontend:1.5', 'brace/frontend:latest'))
  const fleet = runningFleet({ db: 'postgres:17', backend: 'brace/backend:latest', frontend: 'brace/frontend:latest', 'admin-bot': 'brace/backend:latest', scheduler: 'brace/backend:latest' })
  runOn(fleet, images)
  const web = emptyWeb()
  const runs = (service: string): string | undefined => fleet.services.get(service)?.instance?.imageId
  web.answers.set('http://brace/api/health', [() => (runs('backend') === backend.good ? { status: 200, json: { status: 'ok' } } : { status: 500 })])
  web.answers.set('http://brace/', [{ status: 200, text: '<!DOCTYPE html><title>brace</title>' }])
  const disk = emptyDisk()
  disk.folders.add('/artifacts')
  return memoryWorld({ disk, web, fleet, images })
}

import type { Target } from '../../src/model/target.ts'
import {
  emptyDisk,
  emptyStore,
  emptyWeb,
  lay,
  layInVolume,
  fakeWorld,
  nobody,
  noVolumes,
  fakeImage,
  runningFleet,
  runOn,
  type FakeWorld,
  type FakeService,
} from '../../src/testing/index.ts'
import { imageIn } from '../../steps/config/lib/image-line.ts'

export const file = '/srv/docker/docker-compose.yml'
export const history = '/srv/deployments/history.log'
export const checklist = '/srv/deployments/checklist.md'
export const env = '/srv/.env.production'
const stack = {
  kind: 'compose',
  project: 'docker',
  directory: '/srv/docker',
  files: [file],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
export const services = { stack, names: ['api'] } as const
const check = {
  status: 200,
  passes: 2,
  withinSeconds: 20,
  everySeconds: 1,
  timeoutSeconds: 1,
  json: {},
  bearer: null,
} as const

export const target: Target = {
  name: 'contextsafe' as string as Target['name'],
  title: 'ContextSafe',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  writers: services,
  deployments: { history },
  imageLine: { services, file },
  volumeDatabase: {
    at: { stack, service: 'api', path: '/app/data/contextsafe.db' },
    name: 'contextsafe',
    confirmPhrase: 'restore',
    ownership: { uid: 0, gid: 0, mode: 0o600 },
    passphrase: null,
    business: [],
  },
  configuration: { file: env, services, confirm: ['*'] },
  retention: { dumps: '/backups/kept', keepOldSeconds: 1, dumpOld: true },
  health: [{ ...check, name: 'api', url: 'http://api/health' }],
  logScan: {
    services,
    sinceSeconds: 600,
    patterns: [{ name: 'errors', pattern: 'error', atMost: 0 }],
    ignore: [],
  },
  operators: {
    channel: null,
    tracker: null,
    announce: null,
    ticket: null,
    contacts: [],
    escalation: [
      { what: 'this', runbooks: ['container-rollback'], who: null },
      { what: 'by hand', runbooks: [], who: null },
    ],
  },
  checklist: { file: checklist },
  settings: {},
}

export const bad = 'contextsafe/api:0.1.0-abc1234'
export const good = 'contextsafe/api:0.0.9-def5678'
export const composeText = `# ContextSafe\r\nservices:\n  api:\n    image: ${bad} # the release\n    ports: ["8000:8000"]\n`
export const historyText =
  '2024-01-11 10:30:00 | 0.1.0 | abc1234 | admin | SUCCESS\n2024-01-10 15:20:00 | 0.0.9 | def5678 | admin | SUCCESS'
export const answers = {
  reason: 'it answers 500',
  stakeholders: 'the team',
  'traffic-off': 'at the balancer',
  'traffic-on': 'at the balancer',
  'root-cause': 'ticket 7',
}

export type Parts = { readonly pulled?: boolean; readonly logged?: string; readonly compose?: string }

export function contextsafeWorld({
  pulled = false,
  logged = historyText,
  compose = composeText,
}: Parts = {}): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  const images = emptyStore()
  const volumes = noVolumes()
  for (const folder of ['/srv', '/srv/docker', '/srv/deployments', '/backups', '/backups/kept'])
    disk.folders.add(folder)
  lay(disk, file, compose)
  lay(disk, env, 'LLM_MODEL=large\n')
  lay(disk, history, logged)
  for (const [index, name] of [good, bad].entries()) {
    const id = `sha256:${String(index).repeat(64)}`
    const image = { ...fakeImage(name), createdAt: `2024-01-1${index}T00:00:00.000Z` }
    if (pulled && name === good) images.registry.set(name, { id, ...image })
    else images.images.set(id, image)
  }
  const fleet = runningFleet({ api: bad })
  runOn(fleet, images)
  const api = fleet.services.get('api') as FakeService
  // As Compose reads it: what the file says now.
  fleet.services.set(
    'api',
    Object.defineProperty(api, 'declared', {
      enumerable: true,
      get: () => imageIn(disk.files.get(file) ?? new Uint8Array(), 'api'),
    }),
  )
  for (const [ending, body] of [
    ['', 'main'],
    ['-wal', 'log'],
  ] as const)
    layInVolume(volumes, 'api', `/app/data/contextsafe.db${ending}`, body)
  web.answers.set('http://api/health', [{ status: 200 }])
  return fakeWorld({ disk, web, images, volumes, fleet, person: { ...nobody, name: 'ann', answers } })
}

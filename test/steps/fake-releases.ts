import { digestOf } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  emptyDisk,
  emptyStore,
  emptyWeb,
  fakeServer,
  lay,
  fakeWorld,
  nobody,
  fakeImage,
  runningFleet,
  runOn,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { keyQuery } from '../../steps/migrations/lib/empty-tables.ts'
import { rc1, rc2 } from '../fixtures/fake-migrations.ts'

export const envFile = '/srv/api/.env'
export const history = '/srv/api/deployments/history.log'
export const checklist = '/srv/api/docs/incident-log.md'
const stack = {
  kind: 'compose',
  project: 'api',
  directory: '/srv/api',
  files: ['/srv/api/docker-compose.yml'],
  envFiles: [envFile],
  profiles: [],
  environment: {},
} as const
const check = {
  status: 200,
  passes: 1,
  withinSeconds: 20,
  everySeconds: 1,
  timeoutSeconds: 1,
  bearer: null,
} as const

/** As targets/compose-api.ts settles it. */
export const api: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'api' as string as Target['name'],
  title: 'the API',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  writers: { stack, names: ['api', 'jobs'] },
  version: {
    services: { stack, names: ['api', 'jobs'] },
    file: envFile,
    variable: 'IMAGE_TAG',
    image: 'api:{tag}',
    registry: { tags: 'http://registry/v2/api/tags/list', bearer: null },
    pull: 'always',
  },
  migrations: {
    tool: { stack, service: 'api', image: null, command: ['alembic'], copy: null },
    readyField: 'migrations_current',
  },
  database: {
    engine: 'postgres',
    name: 'api',
    user: 'app',
    via: { kind: 'compose', stack, service: 'db' },
    confirmPhrase: 'restore api',
    fingerprint: 'rows-and-digest',
  },
  health: [
    { name: 'liveness', url: 'http://api/healthz', json: {}, ...check },
    { name: 'readiness', url: 'http://api/readyz', json: { db: true, migrations_current: true }, ...check },
  ],
  retention: { dumps: '/srv/api/backups/rollback', keepOldSeconds: 86_400, dumpOld: true },
  deployments: { history },
  checklist: { file: checklist },
  settings: {},
}

const image = (tag: string) => ({ id: digestOf(`api:${tag}`), ...fakeImage(`api:${tag}`) })
export const idOf = (tag: string): string => image(tag).id

export const before = {
  documents: [{ id: 1, title: 'Tender', status: 'draft' }],
  alembic_version: [{ version_num: '2b3c4d5e6f70' }],
}
export const after = {
  documents: [{ id: 1, heading: 'Tender', status: 'draft' }],
  glossary: [{ term: 'RTO', meaning: 'how long it may take' }],
  alembic_version: [{ version_num: '3c4d5e6f7081' }],
}

export const envText =
  '# secrets\nPASSWORD="hunter2" # not for journals\r\nexport IMAGE_TAG=rc2   # the release\nEXPORT_MODE=on'

export type ApiParts = {
  readonly tables?: typeof before | typeof after
  /** What is pinned, and runs. */
  readonly running?: string
  readonly env?: string
  readonly answers?: { readonly [duty: string]: string }
  readonly current?: boolean
}

/** The API on rc2, which was deployed after rc1 and is bad. */
export function badApi({
  tables = before,
  running = 'rc2',
  env = envText.replace('rc2', running),
  answers = {},
  current = true,
}: ApiParts = {}): FakeWorld {
  const disk = emptyDisk()
  for (const folder of ['/srv/api/docs', '/srv/api/backups/rollback']) lay(disk, `${folder}/.keep`, '')
  lay(disk, envFile, env)
  lay(
    disk,
    history,
    '2025-12-15 10:00:00 | rc1 | abcdef1 | ann | SUCCESS\n2025-12-20 10:00:00 | rc2 | abcdef2 | ann | SUCCESS\n',
  )
  const fleet = runningFleet({ api: `api:${running}`, jobs: `api:${running}`, db: 'postgres:17' })
  const images = emptyStore()
  for (const tag of ['rc1', 'rc2']) {
    const { id, ...rest } = image(tag)
    images.images.set(id, rest)
    images.registry.set(`api:${tag}`, { id, ...rest })
  }
  runOn(fleet, images)
  for (const name of ['api', 'jobs']) fleet.services.get(name)!.declared = 'api:${IMAGE_TAG}'
  const web = emptyWeb()
  web.answers.set('http://api/healthz', [{ status: 200 }])
  web.answers.set('http://api/readyz', [{ status: 200, json: { db: true, migrations_current: current } }])
  web.answers.set('http://registry/v2/api/tags/list?n=1000', [
    { status: 200, json: { name: 'api', tags: ['latest', 'rc1', 'rc2', 'rc10'] } },
  ])
  const server = fakeServer({ api: tables })
  server.answers.set(keyQuery('postgres', 'glossary'), (now) => ('glossary' in now ? [{ name: 'term' }] : []))
  server.answers.set(keyQuery('postgres', 'terms'), () => [])
  return fakeWorld({
    disk,
    fleet,
    images,
    web,
    server,
    migrations: {
      images: new Map([
        ['api:rc1', rc1],
        ['api:rc2', rc2],
      ]),
      database: 'api',
    },
    person: {
      ...nobody,
      name: 'ann',
      answers: {
        'traffic-off': 'at the balancer',
        'traffic-on': 'at the balancer',
        'forward-fix': 'ticket 7',
        'migration-kind': 'breaking',
        ...answers,
      },
    },
  })
}

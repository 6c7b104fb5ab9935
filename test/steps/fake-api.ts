import type { Target } from '../../src/model/target.ts'
import {
  emptyDisk,
  commitOn,
  emptyWeb,
  lay,
  fakeWorld,
  noRepositories,
  nobody,
  runWith,
  runningFleet,
  type FakeWorld,
  type FakeAnswer,
} from '../../src/testing/index.ts'

const stack = {
  kind: 'compose',
  project: 'api',
  directory: '/srv/api',
  files: ['/srv/api/docker-compose.yml'],
  envFiles: ['/srv/api/.env'],
  profiles: [],
  environment: {},
} as const
const check = {
  status: 200,
  passes: 1,
  withinSeconds: 20,
  everySeconds: 1,
  timeoutSeconds: 1,
  json: {},
  bearer: null,
} as const

export const envFile = '/srv/api/.env'
export const env =
  '# production\r\nIMAGE_TAG=rc1\r\nexport EXPORT_MODE="on"  # exports and reports\r\nDB_PASSWORD=correct-horse-battery-staple\r\nLLM_MODEL=small'

export const token = 'metrics-token-of-the-api'

/** As it was one commit ago, and as a copy of January has it. */
export const goodEnv = env
  .replace('LLM_MODEL=small', 'LLM_MODEL=large')
  .replace('correct-horse', 'incorrect-horse')
export const dated = `${envFile}.20260110`
export const olderEnv = goodEnv.replace('large', 'medium')

/** The API of the rollback runbook, with exports that obey its env file. */
export const api: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'api' as string as Target['name'],
  title: 'API',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  health: [
    { ...check, name: 'liveness', url: 'http://api/healthz' },
    { ...check, name: 'readiness', url: 'http://api/readyz', json: { db: true } },
  ],
  exports: {
    file: envFile,
    variable: 'EXPORT_MODE',
    on: 'on',
    off: 'off',
    services: { stack, names: ['api'] },
    endpoints: [
      {
        name: 'exports',
        url: 'http://api/exports',
        statuses: [404],
        json: {},
        text: null,
        withinSeconds: 3,
        bearer: null,
      },
      {
        name: 'reports',
        url: 'http://api/reports',
        statuses: [404],
        json: { detail: 'disabled' },
        text: null,
        withinSeconds: 3,
        bearer: null,
      },
    ],
  },
  configuration: { file: envFile, services: { stack, names: ['api', 'jobs'] }, confirm: ['LLM_*', 'DB_*'] },
  metrics: {
    url: 'http://api/metrics',
    bearer: { secret: 'METRICS_TOKEN', from: { env: 'METRICS_TOKEN' } },
    names: ['api_requests_total'],
    timeoutSeconds: 1,
  },
  logScan: {
    services: { stack, names: ['api', 'jobs'] },
    sinceSeconds: 600,
    patterns: [{ name: 'errors', pattern: 'error', atMost: 0 }],
    ignore: ['error budget'],
  },
  operators: {
    channel: '#incident',
    tracker: null,
    announce: null,
    ticket: null,
    contacts: [{ role: 'on-call', reach: 'call 112' }],
    escalation: [
      { what: 'roll back', runbooks: ['post-rollback-validation'], who: null },
      { what: 'Wake the engineer', runbooks: [], who: 'on-call' },
    ],
  },
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

/** All of it runs, with exports on or off. */
export function servingApi(body: string = env): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  disk.folders.add('/artifacts')
  const repositories = noRepositories()
  lay(disk, envFile, goodEnv)
  commitOn(repositories, disk, '/srv/api', { subject: 'good' })
  lay(disk, envFile, body)
  commitOn(repositories, disk, '/srv/api', { subject: 'change the model' })
  lay(disk, dated, olderEnv)
  lay(disk, '/srv/api/docker-compose.yml', 'services: {}\n')
  const fleet = runningFleet({ api: 'api:rc1', jobs: 'api:rc1', db: 'postgres:17' })
  runWith(fleet, disk, { api: [envFile], jobs: [envFile] })
  const serving =
    (answer: (mode: string | undefined) => FakeAnswer): FakeAnswer =>
    () => {
      const { instance } = fleet.services.get('api') ?? { instance: null }
      return instance?.state === 'running' ? answer(instance.environment?.['EXPORT_MODE']) : 'refused'
    }
  web.answers.set('http://api/healthz', [serving(() => ({ status: 200 }))])
  web.answers.set('http://api/readyz', [serving(() => ({ status: 200, json: { db: true, jobs: true } }))])
  web.answers.set('http://api/exports', [serving((mode) => ({ status: mode === 'off' ? 404 : 200 }))])
  web.answers.set('http://api/reports', [
    serving((mode) => ({ status: 200, json: { detail: mode === 'off' ? 'disabled' : 'here' } })),
  ])
  web.answers.set('http://api/metrics', [
    serving(() => ({
      status: 200,
      text: '# TYPE api_requests_total counter\napi_requests_total{path="/"} 7\n',
    })),
  ])
  const person = {
    ...nobody,
    confirm: 'roll back the configuration of api',
    answers: { announce: 'told everybody', ticket: 'API-42' },
  }
  return fakeWorld({ disk, web, fleet, repositories, person, environment: { METRICS_TOKEN: token } })
}

import type { Target } from '../../src/model/target.ts'
import { emptyDisk, emptyWeb, lay, memoryWorld, nobody, runWith, runningFleet, type MemoryWorld, type PretendedAnswer } from '../../src/testing/index.ts'

const stack = { kind: 'compose', project: 'api', directory: '/srv/api', files: ['/srv/api/docker-compose.yml'], envFiles: ['/srv/api/.env'], profiles: [], environment: {} } as const
const check = { status: 200, passes: 1, withinSeconds: 20, everySeconds: 1, timeoutSeconds: 1, json: {}, bearer: null } as const

export const envFile = '/srv/api/.env'
export const env = '# production\r\nIMAGE_TAG=rc1\r\nexport EXPORT_MODE="on"  # exports and reports\r\nDB_PASSWORD=correct-horse-battery-staple\r\nLLM_MODEL=small'

/** The API of the rollback runbook, with exports that obey its env file. */
export const api: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'api' as string as Target['name'],
  title: 'API',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  health: [{ ...check, name: 'liveness', url: 'http://api/healthz' }, { ...check, name: 'readiness', url: 'http://api/readyz', json: { db: true } }],
  exports: {
    file: envFile, variable: 'EXPORT_MODE', on: 'on', off: 'off', services: { stack, names: ['api'] },
    endpoints: [
      { name: 'exports', url: 'http://api/exports', statuses: [404], json: {}, text: null, withinSeconds: 3, bearer: null },
      { name: 'reports', url: 'http://api/reports', statuses: [404], json: { detail: 'disabled' }, text: null, withinSeconds: 3, bearer: null },
    ],
  },
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

/** All of it runs, with exports on or off. */
export function servingApi(body: string = env): MemoryWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  disk.folders.add('/artifacts')
  lay(disk, envFile, body)
  lay(disk, '/srv/api/docker-compose.yml', 'services: {}\n')
  const fleet = runningFleet({ api: 'api:rc1', jobs: 'api:rc1', db: 'postgres:17' })
  runWith(fleet, disk, { api: [envFile], jobs: [envFile] })
  const serving = (answer: (mode: string | undefined) => PretendedAnswer): PretendedAnswer => () => {
    const { instance } = fleet.services.get('api') ?? { instance: null }
    return instance?.state === 'running' ? answer(instance.environment?.['EXPORT_MODE']) : 'refused'
  }
  web.answers.set('http://api/healthz', [serving(() => ({ status: 200 }))])
  web.answers.set('http://api/readyz', [serving(() => ({ status: 200, json: { db: true, jobs: true } }))])
  web.answers.set('http://api/exports', [serving((mode) => ({ status: mode === 'off' ? 404 : 200 }))])
  web.answers.set('http://api/reports', [serving((mode) => ({ status: 200, json: { detail: mode === 'off' ? 'disabled' : 'here' } }))])
  return memoryWorld({ disk, web, fleet, person: nobody })
}

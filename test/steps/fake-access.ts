import type { Target } from '../../src/model/target.ts'
import {
  emptyDisk,
  emptyWeb,
  fakeServer,
  lay,
  layInVolume,
  fakeWorld,
  noPrograms,
  nobody,
  noVolumes,
  runningFleet,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { loadedQuery } from '../../steps/databases/lib/loaded-at.ts'

const composeFile = '/srv/brace/infra/docker-compose.prod.yml'
const stack = {
  kind: 'compose',
  project: 'brace',
  directory: '/srv/brace/infra',
  files: [composeFile],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const services = { stack, names: ['db', 'backend'] }

export const files = {
  pgHba: '/var/lib/postgresql/data/pg_hba.conf',
  daemon: '/etc/docker/daemon.json',
  compose: composeFile,
  pid: '/var/run/docker.pid',
} as const

export const braceAccess: Target = {
  name: 'pretended-brace' as string as Target['name'],
  title: 'Brace',
  objectives: { rtoSeconds: 1800, rpoSeconds: null },
  stack,
  health: [
    {
      status: 200,
      passes: 1,
      withinSeconds: 5,
      everySeconds: 1,
      timeoutSeconds: 1,
      json: {},
      bearer: null,
      name: 'backend',
      url: 'http://brace/api/health',
    },
  ],
  checklist: { file: '/artifacts/checklist.md' },
  access: {
    pgHba: {
      file: files.pgHba,
      withinSeconds: 5,
      login: {
        engine: 'postgres',
        name: 'brace',
        user: 'brace_user',
        confirmPhrase: 'restore brace',
        fingerprint: 'rows',
        via: {
          kind: 'compose',
          stack,
          service: 'db',
          login: { host: 'db', password: { secret: 'brace', from: { env: 'BRACE_DB_PASSWORD' } } },
        },
      },
    },
    daemon: {
      file: files.daemon,
      restart: ['systemctl', 'restart', 'docker'],
      pidFile: files.pid,
      withinSeconds: 5,
    },
    composeFile,
    stack,
    services,
  },
  settings: {},
}

export const rules = {
  good: 'local all all trust\nhost all all all scram-sha-256\n',
  bad: '# nobody\nhost all all all reject\n',
  broken: 'host all all nonsense\n',
} as const
export const settings = {
  good: '{ "log-driver": "json-file" }\n',
  bad: '{ "log-driver": "json-file", }\n',
  strange: '{ "no-such-setting": 1 }\n',
} as const
export const composed = {
  good: 'services: { db: {}, backend: { image: "brace:1" } }\n',
  bad: 'services: { db: {}, backend: { image: "brace:broken" } }\n',
} as const

export type Present = {
  readonly pgHba?: string
  readonly daemon?: string
  readonly compose?: string
  readonly database?: 'running' | 'stopped'
}

/** The shop after an edit of its settings, with the copies of before beside them. What each program makes of its file, it makes of the one that is there. */
export function edited({
  pgHba = rules.good,
  daemon = settings.good,
  compose = composed.good,
  database = 'running',
}: Present): FakeWorld {
  const [disk, volumes, web, programs] = [emptyDisk(), noVolumes(), emptyWeb(), noPrograms()]
  for (const [file, now, copy] of [
    [files.daemon, daemon, settings.good],
    [files.compose, compose, composed.good],
  ] as const) {
    lay(disk, file, now)
    lay(disk, `${file}.bak`, copy)
    disk.permissions.set(file, { mode: 0o644, uid: 0, gid: 0 })
  }
  lay(disk, files.pid, '1')
  disk.folders.add('/artifacts')
  layInVolume(volumes, 'db', files.pgHba, pgHba, { uid: 999, gid: 999, mode: 0o600 })
  layInVolume(volumes, 'db', `${files.pgHba}.bak`, rules.good, { uid: 999, gid: 999, mode: 0o600 })
  const fleet = runningFleet({ db: 'postgres:17', backend: 'brace:1' })
  const [db, backend] = [fleet.services.get('db')!, fleet.services.get('backend')!]

  Object.defineProperty(backend, 'declared', {
    enumerable: true,
    get: () => /image: "(.*?)"/.exec(textOf(disk.files.get(files.compose)))?.[1] ?? 'none',
  })
  Object.assign(backend.instance!, { image: backend.declared })

  const now = (): string => textOf(volumes.get('db')?.get(files.pgHba)?.body)
  const keeper = {
    loaded: now(),
    at: 1_800_000_000,
    admits: () => db.instance?.state === 'running' && keeper.loaded.includes('scram'),
    reload: () => {
      keeper.at += 1
      if (!now().includes('nonsense')) keeper.loaded = now()
    },
  }
  const server = fakeServer({ brace: { alembic_version: [{ version_num: 'c3' }] } }, { doorkeeper: keeper })
  server.answers.set(loadedQuery, () => [{ at: keeper.at }])
  db.instance!.state = database
  fleet.beforeChange = (operation, service) => {
    if (service !== 'db' || operation === 'stop' || operation === 'run' || db.instance?.state === 'running')
      return
    if (now().includes('nonsense')) throw new Error('could not load pg_hba.conf')
    keeper.reload()
  }

  const accepted = (): boolean => textOf(disk.files.get(files.daemon)) === settings.good
  fleet.reachable = accepted()
  if (!accepted()) {
    disk.files.delete(files.pid)
    for (const { instance } of fleet.services.values()) instance!.state = 'stopped'
  }
  let starts = 1
  programs.installed.set('systemctl', {
    version: '252',
    run: () => {
      fleet.reachable = accepted()
      for (const { instance } of fleet.services.values()) instance!.state = accepted() ? 'running' : 'stopped'
      if (!accepted()) {
        disk.files.delete(files.pid)
        return { exitCode: 1, output: 'unable to configure the Docker daemon' }
      }
      keeper.reload()
      lay(disk, files.pid, String((starts += 1)))
      return { exitCode: 0 }
    },
  })
  web.answers.set('http://brace/api/health', [{ status: 200, json: { status: 'ok' } }])
  return fakeWorld({
    disk,
    volumes,
    web,
    programs,
    fleet,
    server,
    environment: { BRACE_DB_PASSWORD: 'canary-password' },
    person: { ...nobody, confirm: 'put back the access of pretended-brace' },
  })
}

export const textOf = (body: Uint8Array | undefined): string => Buffer.from(body ?? []).toString()

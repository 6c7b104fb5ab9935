import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  emptyDisk,
  emptyWeb,
  encrypted,
  fakeServer,
  fakeWorld,
  lay,
  layInVolume,
  noPrograms,
  noVolumes,
  runningFleet,
  somebody,
  type FakeDump,
  type FakeWorld,
} from '../../src/testing/index.ts'

export const phrase = 'restore contextsafe on pretended'
export const passphrase = 'correct horse battery staple'
export const checklist = '/artifacts/checklist.md'
const stack = {
  kind: 'compose',
  project: 'contextsafe',
  directory: '/srv',
  files: ['/srv/docker-compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const check = {
  url: 'http://api/health',
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
  writers: { stack, names: ['api'] },
  volumeDatabase: {
    at: { stack, service: 'api', path: '/app/data/contextsafe.db' },
    name: 'contextsafe',
    confirmPhrase: phrase,
    ownership: { uid: 1000, gid: 1000, mode: 0o600 },
    passphrase: { secret: 'passphrase', from: { env: 'PASSPHRASE' } },
    business: [
      {
        name: 'projects',
        sql: 'select count(*) from projects',
        path: 'total',
        check: { ...check, name: 'projects', url: 'http://api/projects' },
      },
    ],
  },
  backups: {
    directory: '/backups',
    pattern: 'contextsafe-{time}.db*',
    maxAgeSeconds: 86_400,
    minBytes: 10,
    checksums: 'if-present',
  },
  assertions: [{ name: 'there are projects', sql: 'select count(*) from projects', expect: { atLeast: 1 } }],
  health: [{ ...check, name: 'api' }],
  retention: { dumps: '/backups/kept', keepOldSeconds: 1, dumpOld: true },
  staging: '/backups/staging',
  operators: {
    channel: null,
    tracker: null,
    announce: null,
    ticket: null,
    contacts: [{ role: 'dba', reach: 'by telephone' }],
    escalation: [
      { what: 'this', runbooks: ['sqlite-restore'], who: null },
      { what: 'data is lost', runbooks: [], who: 'dba' },
    ],
  },
  checklist: { file: checklist },
  settings: {},
}

export const file = '/app/data/contextsafe.db'
export const sqliteDump = (more: Pick<FakeDump, 'tables'> & Partial<FakeDump>): Uint8Array =>
  dumpBytes({
    engine: 'sqlite',
    major: 3,
    database: null,
    takenAt: null,
    roles: [],
    extensions: [],
    ...more,
  })
const tables = { projects: [{ id: 1 }, { id: 2 }] }
export const good = sqliteDump({ tables })
export const owned = { uid: 1000, gid: 1001, mode: 0o640 }

/** A damaged database in a volume, and a backup of it. */
export function world(as: 'plain' | 'encrypted' | 'compressed' | 'lost'): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  const programs = noPrograms()
  const volumes = noVolumes()
  for (const folder of ['/backups', '/backups/kept', '/backups/staging', '/artifacts', '/srv'])
    disk.folders.add(folder)
  const name = '/backups/contextsafe-20260203-020000.db'
  if (as === 'encrypted') lay(disk, `${name}.gpg`, encrypted(good, passphrase))
  else if (as === 'compressed') lay(disk, `${name}.gz`, sqliteDump({ tables, wrapped: ['gzip'] }))
  else lay(disk, name, good)
  if (as === 'lost') layInVolume(volumes, 'api', '/app/data/other', 'x')
  else
    for (const [ending, body] of [
      ['', 'damaged'],
      ['-wal', 'old log'],
      ['-shm', 'index'],
    ] as const)
      layInVolume(volumes, 'api', `${file}${ending}`, body, owned)
  web.answers.set('http://api/health', [{ status: 200, json: { ok: true } }])
  web.answers.set('http://api/projects', [{ status: 200, json: { total: 2 } }])
  programs.installed.set('gpg', { version: '2.4.0' })
  return fakeWorld({
    disk,
    web,
    programs,
    volumes,
    fleet: runningFleet({ api: 'contextsafe/api:0.1.0' }),
    server: fakeServer({}, { engine: 'sqlite' }),
    person: {
      ...somebody(phrase, phrase, phrase, phrase),
      answers: {
        reason: 'it is corrupt',
        stakeholders: 'the team',
        'traffic-off': 'at the balancer',
        'traffic-on': 'at the balancer',
        'root-cause': 'ticket 7',
      },
    },
    environment: { PASSPHRASE: passphrase },
  })
}

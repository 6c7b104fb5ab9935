import { describe, expect, it } from 'vitest'
import book from '../../runbooks/sqlite-downgrade.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import {
  dumpBytes,
  emptyDisk,
  emptyWeb,
  fakeServer,
  layInVolume,
  fakeMachine,
  fakeWorld,
  nobody,
  noVolumes,
  runningFleet,
  type FakeTables,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { rc1, rc2 } from '../fixtures/fake-migrations.ts'
import { after, api, before } from './fake-releases.ts'

const checklist = '/srv/restore-checklist.md'
const file = '/app/data/contextsafe.db'
const { stack, writers, migrations, health } = api as Required<
  Pick<Target, 'stack' | 'writers' | 'migrations' | 'health'>
>

const target: Target = {
  name: 'contextsafe' as string as Target['name'],
  title: 'ContextSafe',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  writers: { ...writers, names: ['api'] },
  volumeDatabase: {
    at: { stack, service: 'api', path: file },
    name: 'contextsafe',
    confirmPhrase: 'unasked',
    ownership: { uid: 1, gid: 1, mode: 0o600 },
    passphrase: null,
    business: [],
  },
  migrations,
  assertions: [
    { name: 'there are documents', sql: 'select count(*) from documents', expect: { atLeast: 1 } },
  ],
  health: health.slice(0, 1),
  retention: { dumps: '/backups/kept', keepOldSeconds: 1, dumpOld: true },
  staging: '/backups/staging',
  checklist: { file: checklist },
  settings: {},
}

const scanning: Target = {
  ...target,
  logScan: {
    services: writers,
    sinceSeconds: 600,
    patterns: [{ name: 'errors', pattern: 'ERROR', atMost: 0 }],
    ignore: [],
  },
}

const bytesOf = (tables: FakeTables): Uint8Array =>
  dumpBytes({ engine: 'sqlite', major: 3, database: null, takenAt: null, tables, roles: [], extensions: [] })
const owned = { uid: 1000, gid: 1001, mode: 0o640 }

function migrated(answers: { readonly [duty: string]: string } = {}): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  const volumes = noVolumes()
  for (const folder of ['/backups/kept', '/backups/staging', '/srv']) disk.folders.add(folder)
  disk.folders.add('/backups')
  layInVolume(volumes, 'api', file, bytesOf(after), owned)
  web.answers.set('http://api/healthz', [{ status: 200 }])
  return fakeWorld({
    disk,
    web,
    volumes,
    fleet: runningFleet({ api: 'api:rc2', jobs: 'api:rc2' }),
    server: fakeServer({}, { engine: 'sqlite' }),
    migrations: {
      images: new Map([
        ['api:rc1', rc1],
        ['api:rc2', rc2],
      ]),
      database: { service: 'api', path: file },
    },
    person: {
      ...nobody,
      name: 'ann',
      answers: { 'forward-fix': 'ticket 7', 'migration-kind': 'breaking', ...answers },
    },
  })
}

const inVolume = (world: FakeWorld) =>
  [...(world.volumes.get('api') ?? [])]
    .filter(([, { kind }]) => kind === 'file')
    .map(([path, { body, uid, gid, mode }]) => ({ path, text: Buffer.from(body).toString(), uid, gid, mode }))
const holding = (tables: FakeTables) => [
  { path: file, text: Buffer.from(bytesOf(tables)).toString(), ...owned },
]
const rest = (world: FakeWorld, folder: string): readonly string[] =>
  [...world.disk.files.keys(), ...world.disk.folders].filter((path) => path.startsWith(`${folder}/`))

provesItself({
  name: 'sqlite-downgrade of a breaking migration',
  book,
  target,
  params: {},
  records: [checklist],
  world: migrated,
  succeeded(world) {
    expect(inVolume(world)).toEqual(holding(before))
    expect(world.fleet.services.get('api')?.instance).toMatchObject({ state: 'running', image: 'api:rc2' })
    expect(rest(world, '/backups/staging')).toEqual([])
    expect(
      rest(world, '/backups/kept').map((path) => Buffer.from(world.disk.files.get(path) ?? []).toString()),
    ).toEqual([Buffer.from(bytesOf(after)).toString()])
  },
})

async function attempt(
  params: JsonObject,
  change: (world: FakeWorld) => void = () => undefined,
  answers = {},
): Promise<{ result: Result | string; world: FakeWorld }> {
  const world = migrated(answers)
  change(world)
  const result = await fakeMachine(world, { book, target: scanning })
    .run(params)
    .catch((thrown: unknown) => String(thrown))
  return { result, world }
}

const untouched = (world: FakeWorld, tables: FakeTables = after): void => {
  expect(inVolume(world)).toEqual(holding(tables))
  expect(world.fleet.services.get('api')?.instance?.state).toBe('running')
  expect([...rest(world, '/backups/staging'), ...rest(world, '/backups/kept')]).toEqual([])
}

describe('sqlite-downgrade', () => {
  it('keeps a migration that only added, and touches nothing', async () => {
    const { result, world } = await attempt({}, undefined, { 'migration-kind': 'additive: only a table' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    untouched(world)
  })

  it('goes down to a revision by its beginning', async () => {
    const { result, world } = await attempt({ to: '1a2b' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(inVolume(world)[0]?.text).toContain('"version_num":"1a2b3c4d5e6f"')
  })

  it('S4.94: a downgrade that refuses ("would delete data") leaves the database alone', async () => {
    const { result, world } = await attempt({}, ({ migrations: { images } }) => {
      const [newest, ...older] = rc2
      images.set('api:rc2', [
        {
          ...newest!,
          back: () => {
            throw new Error("Can't downgrade, would delete data")
          },
        },
        ...older,
      ])
    })
    expect(JSON.stringify(result)).toContain('would delete data')
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    untouched(world)
  })

  it('T.11: the image of a rolled-back application is refused, and the one that has the revision is named', async () => {
    const rolledBack = (world: FakeWorld): void => {
      const api = world.fleet.services.get('api')!
      Object.assign(api, { declared: 'api:rc1', instance: { ...api.instance!, image: 'api:rc1' } })
    }
    const { result, world } = await attempt({}, rolledBack)
    expect(JSON.stringify(result)).toMatch(/Can't locate revision identified by '3c4d5e6f7081'/)
    untouched(world)
    expect((await attempt({ with: 'api:rc2' }, rolledBack)).result).toMatchObject({ outcome: 'succeeded' })
  })

  it('tells of errors in the logs, which may be those of the incident', async () => {
    const { result } = await attempt({}, ({ fleet }) => {
      fleet.services.get('api')!.log = 'ERROR no such column\n'
    })
    expect(result).toMatchObject({ outcome: 'succeeded' })
  })

  it.each<readonly [string, JsonObject, (world: FakeWorld) => void, RegExp]>([
    ['a name that is none of an image', { with: '--help' }, () => undefined, /is not an image name/],
    ['a revision that nobody has', { to: 'feed' }, () => undefined, /revision feed not found in/],
    [
      'a database that is not there, which a tool would make',
      {},
      ({ volumes }) => volumes.get('api')?.delete(file),
      /no migrations to undo: \S+ of api not found/,
    ],
  ])('refuses %s, or goes back', async (_, params, change, words) => {
    const { result, world } = await attempt(params, change)
    expect(JSON.stringify(result)).toMatch(words)
    expect([...rest(world, '/backups/staging'), ...rest(world, '/backups/kept')]).toEqual([])
    expect(world.fleet.services.get('api')?.instance?.state).toBe('running')
  })
})

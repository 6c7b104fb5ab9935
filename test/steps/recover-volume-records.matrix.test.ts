import { describe, expect, it } from 'vitest'
import recover from '../../runbooks/recover-volume-records.ts'
import { planOf } from '../../src/model/plan.ts'
import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  emptyDisk,
  emptyWeb,
  fakeServer,
  lay,
  layInVolume,
  fakeMachine,
  Killed,
  fakeWorld,
  noVolumes,
  runningFleet,
  somebody,
  type FakeTables,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { readDump } from '../../src/testing/fake-dump.ts'
import { provesItself } from '../fixtures/matrix.ts'

const phrase = 'restore contextsafe on pretended'
const checklist = '/artifacts/checklist.md'
const stack = {
  kind: 'compose',
  project: 'contextsafe',
  directory: '/srv',
  files: ['/srv/docker-compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const path = '/app/data/contextsafe.db'
const owned = { uid: 1000, gid: 1001, mode: 0o640 }

const target: Target = {
  name: 'contextsafe' as string as Target['name'],
  title: 'ContextSafe',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  writers: { stack, names: ['api'] },
  volumeDatabase: {
    at: { stack, service: 'api', path },
    name: 'contextsafe',
    confirmPhrase: phrase,
    ownership: { uid: 1000, gid: 1000, mode: 0o600 },
    passphrase: null,
    business: [],
  },
  backups: {
    directory: '/backups',
    pattern: 'contextsafe-{time}.db',
    maxAgeSeconds: 86_400,
    minBytes: 10,
    checksums: 'if-present',
  },
  health: [
    {
      name: 'api',
      url: 'http://api/health',
      status: 200,
      passes: 1,
      withinSeconds: 20,
      everySeconds: 1,
      timeoutSeconds: 1,
      json: {},
      bearer: null,
    },
  ],
  retention: { dumps: '/backups/kept', keepOldSeconds: 1, dumpOld: true },
  staging: '/backups/staging',
  checklist: { file: checklist },
  settings: {},
}

const saved = {
  projects: [
    { id: 'p1', name: 'Lost' },
    { id: 'p2', name: 'Kept' },
  ],
  documents: [
    { id: 'd1', project_id: 'p1', title: null },
    { id: 'd2', project_id: 'p2', title: 'x' },
  ],
}
const live = {
  projects: [{ id: 'p2', name: 'Renamed since' }],
  documents: [{ id: 'd2', project_id: 'p2', title: 'x' }],
}
const bytes = (tables: FakeTables): Uint8Array =>
  dumpBytes({ engine: 'sqlite', major: 3, database: null, takenAt: null, tables, roles: [], extensions: [] })

function world(tables: FakeTables = live): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  const volumes = noVolumes()
  for (const folder of ['/backups', '/backups/kept', '/backups/staging', '/artifacts', '/srv'])
    disk.folders.add(folder)
  lay(disk, '/backups/contextsafe-20260203-020000.db', bytes(saved))
  layInVolume(volumes, 'api', path, bytes(tables), owned)
  web.answers.set('http://api/health', [{ status: 200, json: { ok: true } }])
  return fakeWorld({
    disk,
    web,
    volumes,
    fleet: runningFleet({ api: 'contextsafe/api:0.1.0' }),
    server: fakeServer({}, { engine: 'sqlite' }),
    person: somebody(phrase, phrase, phrase, phrase),
  })
}

const params = { tables: 'projects:id,documents:project_id', key: 'p1', export: '/srv/export', backup: null }

provesItself({
  name: 'recover-volume-records',
  book: recover,
  target,
  params: { ...params, tables: 'projects:id' },
  world: () => world(),
  records: [checklist],
  succeeded: ({ volumes, disk, fleet }) => {
    const files = volumes.get('api') ?? new Map()
    expect(files.get(path)).toMatchObject(owned)
    const { tables } = readDump(path, files.get(path)?.body)
    expect(tables['projects']).toEqual([...live.projects, saved.projects[0]])
    expect([...files.keys()].filter((name) => name.startsWith(path))).toEqual([path])
    expect(fleet.services.get('api')?.instance?.state).toBe('running')
    expect([...disk.folders].filter((name) => name.startsWith('/backups/staging/'))).toEqual([])
    expect(
      [...disk.files]
        .filter(([name]) => name.startsWith('/srv/export/'))
        .map(([, body]) => Buffer.from(body).toString()),
    ).toEqual(['id,name\r\np1,Lost\r\n'])
  },
})

describe('recover-volume-records', () => {
  const refused = async (
    on: FakeWorld,
    over: { readonly [name: string]: string },
    words: RegExp,
  ): Promise<void> => {
    const before = on.state()['volumes']
    const machine = fakeMachine(on, { book: recover, target })
    const result = await machine.run({ ...params, ...over })
    expect(result.outcome).not.toBe('succeeded')
    expect(JSON.stringify([result, machine.events])).toMatch(words)
    expect(on.state()['volumes']).toEqual(before)
    expect(on.fleet.services.get('api')?.instance?.state).toBe('running')
  }

  it.each([
    ['the kept database', '/backups/kept/contextsafe-'],
    ['the backup', '/backups/contextsafe-20260203-020000.db'],
  ])('puts nothing in place where somebody changed %s after it was checked', async (_, file) => {
    const on = world()
    on.faults.order('files.copy', 'kill')
    const machine = fakeMachine(on, { book: recover, target })
    const before = on.state()['volumes']
    await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    const [changed = ''] = [...on.disk.files.keys()].filter((name) => name.startsWith(file))
    lay(on.disk, changed, bytes({ ...saved, documents: live.documents }))
    expect(await machine.resume()).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        code: 'verification',
        message: expect.stringContaining(`cannot use ${changed}: it changed since it was checked`) as string,
      },
    })
    expect(on.state()['volumes']).toEqual(before)
    expect(on.fleet.services.get('api')?.instance?.state).toBe('running')
  })

  it('never writes over a row that says something else', () =>
    refused(
      world({ ...live, projects: [{ id: 'p1', name: 'Made anew' }] }),
      {},
      /already exist and differ from the backup/,
    ))
  it('refuses where nothing is missing', () => refused(world(saved), {}, /no row of .* is missing/))
  it('refuses a key that the backup does not have', () =>
    refused(world(), { key: 'nobody' }, /no rows with that key in the backup: /))
  it('refuses what names no tables', () =>
    refused(world(), { tables: 'projects' }, /is not a table with a column/))

  it('brings back rows of each table, and keeps what they say out of the journal', async () => {
    const on = world()
    const machine = fakeMachine(on, { book: recover, target })
    expect((await machine.run(params)).outcome).toBe('succeeded')
    expect(readDump(path, on.volumes.get('api')?.get(path)?.body).tables['documents']).toEqual([
      ...live.documents,
      saved.documents[0],
    ])
    expect(JSON.stringify(machine.entries)).not.toContain('Renamed since')
  })

  it('asks for a manifest of a SQLite database', () => {
    const verify = planOf(recover, target, params).plan.steps.find(({ kind }) => kind === 'backups.verify')
    expect(verify?.input).toMatchObject({ kind: 'sqlite' })
  })
})

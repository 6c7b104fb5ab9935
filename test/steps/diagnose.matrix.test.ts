import { expect, it } from 'vitest'
import diagnose from '../../runbooks/diagnose.ts'
import { sha256, type Json } from '../../src/kernel/json.ts'
import {
  emptyDisk,
  emptyWeb,
  lay,
  layInVolume,
  fakeMachine,
  fakeWorld,
  mountOn,
  noVolumes,
  fakeImage,
  runningFleet,
  type FakeMachine,
  type FakeWorld,
} from '../../src/testing/index.ts'
import type { Target } from '../../src/model/target.ts'
import type { ReportedFindings } from '../../steps/diagnose/report-findings.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { damagedShop, shop } from './fake-shop.ts'

/** The shop with all that a target may have sick: services, health, data, backups, this machine. */
function sickShop(): FakeWorld {
  const world = damagedShop()
  const web = world.fleet.services.get('web')
  const worker = world.fleet.services.get('worker')
  if (web?.instance == null || worker?.instance == null) throw new Error('the shop has no web or worker')
  web.instance.state = 'restarting'
  web.log += 'column orders.note does not exist\n'
  worker.instance.state = 'stopped'
  worker.instance.exitCode = 137
  worker.instance.outOfMemory = true
  world.web.answers.set('http://shop/health', [{ status: 500, text: 'oops' }])
  world.server.databases.set('shop', {
    tables: { orders: [], alembic_version: [{ version_num: 'a' }, { version_num: 'b' }] },
    generation: 'sick',
    owner: 'app',
  })
  lay(world.disk, '/backups/releases/bundle-20260203_030000.tar.gz', 'cut off, and longer than ten bytes')
  world.programs.installed.delete('gpg')
  return world
}

const target: Target = {
  ...shop,
  stack: { ...shop.stack, envFiles: ['/srv/shop/.env'] } as NonNullable<Target['stack']>,
}

function findings(machine: FakeMachine): readonly ReportedFindings[] {
  const told = machine.entries.flatMap(({ entry }): readonly Json[] =>
    entry.type === 'ended' && entry.step === 'tell-what-was-seen' ? [entry.output] : [],
  )
  return (told.at(-1) as unknown as { readonly findings: readonly ReportedFindings[] }).findings
}

async function looked(world: FakeWorld, on: Target, symptom = 'any'): Promise<readonly ReportedFindings[]> {
  const machine = fakeMachine(world, { book: diagnose, target: on })
  expect(await machine.run({ symptom })).toMatchObject({ outcome: 'succeeded' })
  return findings(machine)
}

provesItself({
  name: 'diagnose',
  book: diagnose,
  target,
  params: { symptom: 'any' },
  world: sickShop,
  records: [],
  succeeded: () => undefined,
})

it('tells all that is wrong, what explains the most first, with the runbook that fits', async () => {
  const told = await looked(sickShop(), target)
  expect(told.map(({ case: id }) => id)).toEqual([
    'data-wrong',
    'out-of-memory',
    'migration-mismatch',
    'deploy-failed',
    'configuration-bad',
    'image-missing',
    'checksum-mismatch',
    'gpg-fails',
  ])
  expect(told.find(({ case: id }) => id === 'data-wrong')).toMatchObject({
    runbook: 'full-db-rollback',
    command: 'runbook run full-db-rollback --target shop --bad-since WHEN --dry-run',
  })
  expect(told.find(({ case: id }) => id === 'migration-mismatch')?.evidence).toEqual([
    'the log of web says "column orders.note does not exist"',
    'shop has 2 migration levels in public.alembic_version, not one',
  ])
  expect(told.find(({ case: id }) => id === 'gpg-fails')?.evidence).toEqual([
    'gpg is not installed, or not on PATH',
  ])
})

it('sees nothing where all is well', async () => {
  const world = damagedShop()
  for (const tag of ['web:2', 'worker:2', 'postgres:17'])
    world.images.images.set(`sha256:${tag}`, fakeImage(tag))
  expect(await looked(world, shop)).toEqual([])
})

it('tells a missing checksum from a wrong one', async () => {
  const world = damagedShop()
  const [dump = ''] = [...world.disk.files.keys()].filter((path) => path.endsWith('.dump'))
  world.disk.files.delete(`${dump}.sha256`)
  const told = await looked(world, shop)
  expect(told.filter(({ case: id }) => id.startsWith('checksum'))).toMatchObject([
    { case: 'checksum-missing', evidence: [`${dump} has no checksum beside it`] },
  ])
})

it('says that no runbook can use the newest dump', async () => {
  const world = damagedShop()
  const [dump = ''] = [...world.disk.files.keys()].filter((path) => path.endsWith('.dump'))
  lay(world.disk, dump, 'something else')
  lay(world.disk, `${dump}.sha256`, `${sha256('something else')}  ${dump}\n`)
  const told = await looked(world, shop)
  expect(told.filter(({ case: id }) => id.startsWith('backup'))).toMatchObject([
    { case: 'backup-unusable', evidence: [expect.stringContaining('is not a dump')] },
  ])
})

it('asked for a symptom, tells its other causes too, and nothing else', async () => {
  const told = await looked(sickShop(), target, 'start')
  expect(told.map(({ case: id, evidence }) => [id, evidence.length])).toEqual([
    ['out-of-memory', 1],
    ['disk-full', 0],
    ['volume-missing', 0],
    ['permissions-wrong', 0],
    ['service-stopped', 0],
  ])
})

it('looks though no secret is there, and tells which one it lacks', async () => {
  const world = damagedShop()
  world.environment.clear()
  const secret = { secret: 'TOKEN', from: { env: 'TOKEN' } }
  const [check] = shop.health ?? []
  if (check === undefined) throw new Error('the shop has no health check')
  const told = await looked(world, { ...shop, health: [{ ...check, bearer: secret }] })
  expect(told.find(({ case: id }) => id === 'deploy-failed')?.evidence.join()).toContain('TOKEN')
})

function layStack(world: FakeWorld): void {
  for (const file of shop.stack?.kind === 'compose' ? shop.stack.files : [])
    lay(world.disk, file, 'services: {}')
}

it('goes on where a look finds nobody: engine, database, drive', async () => {
  const world = damagedShop()
  world.server.reachable = false
  mountOn(world.disk, '/backups/db', { dead: true })
  world.fleet.reachable = false
  layStack(world)
  const told = await looked(world, shop)
  expect(told.map(({ case: id }) => id)).toEqual(
    expect.arrayContaining(['daemon-settings', 'database-away', 'mount-unavailable']),
  )
})

it('does not blame Docker for another failure of the look', async () => {
  const world = damagedShop()
  world.faults.order('services.facts', 'fail')
  layStack(world)
  const ids = (await looked(world, shop)).map(({ case: id }) => id)
  expect(ids).toContain('services-unread')
  expect(ids).not.toContain('daemon-settings')
})

it('does not blame Docker where the stack is not on this machine', async () => {
  const world = damagedShop()
  world.faults.order('services.facts', 'fail')
  const told = await looked(world, shop)
  expect(told[0]).toMatchObject({
    case: 'stack-missing',
    evidence: expect.arrayContaining(['/srv/shop of shop not found']),
  })
  expect(told.map(({ case: id }) => id)).not.toContain('daemon-settings')
})

it('runs on a target that has nothing but its name', async () => {
  const bare: Target = {
    name: shop.name,
    title: 'Bare',
    objectives: { rtoSeconds: null, rpoSeconds: null },
    settings: {},
  }
  expect(await looked(fakeWorld(), bare)).toEqual([])
})

/** A service with its data in a volume, as one on SQLite has. */
function contextsafe(): { readonly world: FakeWorld; readonly target: Target } {
  const disk = emptyDisk()
  const volumes = noVolumes()
  lay(disk, '/srv/.env', 'LLM_MODEL_PATH=/app/models/model.gguf\nOTHER_PATH=/nowhere\n')
  layInVolume(volumes, 'api', '/app/data/contextsafe.db', 'data', { uid: 0, gid: 0, mode: 0o644 })
  const world = fakeWorld({ disk, volumes, fleet: runningFleet({ api: 'api:1' }), web: emptyWeb() })
  world.images.images.set('sha256:api:1', fakeImage('api:1'))
  const stack = { ...shop.stack, kind: 'compose', files: [], envFiles: [] } as unknown as Extract<
    NonNullable<Target['stack']>,
    { readonly kind: 'compose' }
  >
  const ownership = { uid: 1000, gid: 1000, mode: 0o600 }
  const target: Target = {
    name: shop.name,
    title: 'ContextSafe',
    objectives: { rtoSeconds: null, rpoSeconds: null },
    settings: {},
    stack,
    writers: { stack, names: ['api'] },
    health: [
      {
        name: 'api',
        url: 'http://api/health',
        status: 200,
        passes: 1,
        withinSeconds: 5,
        everySeconds: 1,
        timeoutSeconds: 1,
        json: {},
        bearer: null,
      },
    ],
    volumeDatabase: {
      at: { stack, service: 'api', path: '/app/data/contextsafe.db' },
      name: 'contextsafe',
      confirmPhrase: 'x',
      ownership,
      passphrase: null,
      business: [],
    },
    documents: {
      at: { inside: { stack, service: 'api' }, path: '/app/data/documents' },
      ownership,
      passphrase: null,
      confirmPhrase: 'x',
      backups: {
        directory: '/backups',
        pattern: 'data-*',
        maxAgeSeconds: 1,
        minBytes: 1,
        checksums: 'if-present',
      },
    },
    configuration: { file: '/srv/.env', services: { stack, names: ['api'] }, confirm: [] },
    operators: {
      channel: null,
      tracker: null,
      announce: null,
      ticket: null,
      contacts: [{ role: 'admin', reach: '+1' }],
      escalation: [{ what: 'Call.', runbooks: [], who: 'admin' }],
    },
  }
  world.web.answers.set('http://api/health', [{ status: 200, json: { status: 'ok' } }])
  return { world, target }
}

it('looks into volumes: data that is missing or is not theirs, a model that is not there', async () => {
  const { world, target: on } = contextsafe()
  const told = await looked(world, on)
  expect(told.map(({ case: id, evidence }) => [id, evidence])).toEqual([
    ['model-missing', ['LLM_MODEL_PATH is /app/models/model.gguf, which does not exist in api']],
    ['volume-missing', ['/app/data/documents of api not found']],
    [
      'permissions-wrong',
      ['/app/data/contextsafe.db of api has mode and owner 0644 0:0, expected 0600 1000:1000'],
    ],
    // The backups of documents.
    ['mount-unavailable', ['cannot read the file system of /backups: no such file or folder']],
  ])
  expect(told[0]).toMatchObject({ runbook: 'config-rollback' })
})

it('somebody who answers while nothing runs holds the port, and learns no secret', async () => {
  const { world, target: on } = contextsafe()
  const api = world.fleet.services.get('api')
  if (api?.instance != null) api.instance.state = 'stopped'
  const machine = fakeMachine(world, { book: diagnose, target: on })
  expect(await machine.run({ symptom: 'health' })).toMatchObject({ outcome: 'succeeded' })
  expect(findings(machine).find(({ case: id }) => id === 'port-taken')?.evidence).toEqual([
    'http://api/health answers 200, though no service runs',
  ])
  expect(JSON.stringify(machine.events)).toContain('if that does not help, step 1: Call. (admin: +1)')
})

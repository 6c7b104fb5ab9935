import { expect, it } from 'vitest'
import diagnose from '../../runbooks/diagnose.ts'
import type { Json } from '../../src/kernel/json.ts'
import { lay, memoryMachine, memoryWorld, mountOn, pretendedImage, type MemoryMachine, type MemoryWorld } from '../../src/testing/index.ts'
import type { Target } from '../../src/model/target.ts'
import type { Told } from '../../steps/diagnose/tell-findings.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { damagedShop, shop } from './pretended-shop.ts'

const levelTable = "select tablename from pg_tables where tablename = 'alembic_version'"

/** The shop with all that a target may have sick: services, health, data, backups, this machine. */
function sickShop(): MemoryWorld {
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
  world.server.databases.set('shop', { tables: { orders: [], alembic_version: [{ version_num: 'a' }, { version_num: 'b' }] }, generation: 'sick', owner: 'app' })
  world.server.answers.set(levelTable, () => [{ tablename: 'alembic_version' }])
  lay(world.disk, '/backups/releases/bundle-20260203_030000.tar.gz', 'cut off, and longer than ten bytes')
  world.programs.installed.delete('gpg')
  return world
}

const target: Target = { ...shop, stack: { ...shop.stack, envFiles: ['/srv/shop/.env'] } as NonNullable<Target['stack']> }

function findings(machine: MemoryMachine): readonly Told[] {
  const told = machine.entries.flatMap(({ entry }): readonly Json[] => (entry.type === 'ended' && entry.step === 'tell-what-was-seen' ? [entry.output] : []))
  return (told.at(-1) as unknown as { readonly findings: readonly Told[] }).findings
}

async function looked(world: MemoryWorld, on: Target, symptom = 'any'): Promise<readonly Told[]> {
  const machine = memoryMachine(world, { book: diagnose, target: on })
  expect(await machine.run({ symptom })).toMatchObject({ outcome: 'succeeded' })
  return findings(machine)
}

provesItself({ name: 'diagnose', book: diagnose, target, params: { symptom: 'any' }, world: sickShop, records: [], succeeded: () => undefined })

it('tells all that is wrong, what explains the most first, with the runbook that fits', async () => {
  const told = await looked(sickShop(), target)
  expect(told.map(({ case: id }) => id)).toEqual([
    'data-wrong', 'out-of-memory', 'migration-mismatch', 'deploy-failed', 'configuration-bad', 'image-missing', 'checksum-mismatch', 'gpg-fails',
  ])
  expect(told.find(({ case: id }) => id === 'data-wrong')).toMatchObject({ runbook: 'full-db-rollback', command: 'runbook run full-db-rollback --target shop --bad-since WHEN --dry-run' })
  expect(told.find(({ case: id }) => id === 'migration-mismatch')?.evidence).toEqual([
    'the log of web says "column orders.note does not exist"', 'shop has 2 migration levels in alembic_version, not one',
  ])
  expect(told.find(({ case: id }) => id === 'gpg-fails')?.evidence).toEqual(['gpg is not installed, or not on PATH'])
})

it('sees nothing where all is well', async () => {
  const world = damagedShop()
  for (const tag of ['web:2', 'worker:2', 'postgres:17']) world.images.images.set(`sha256:${tag}`, pretendedImage(tag))
  world.server.answers.set(levelTable, () => [])
  expect(await looked(world, shop)).toEqual([])
})

it('asked for a symptom, tells its other causes too, and nothing else', async () => {
  const told = await looked(sickShop(), target, 'start')
  expect(told.map(({ case: id, evidence }) => [id, evidence.length])).toEqual([['out-of-memory', 1], ['volume-missing', 0], ['permissions-wrong', 0]])
})

it('goes on where a look finds nobody: engine, database, drive', async () => {
  const world = damagedShop()
  world.server.reachable = false
  mountOn(world.disk, '/backups/db', { dead: true })
  world.faults.order('services.facts', 'fail')
  const told = await looked(world, shop)
  expect(told.map(({ case: id }) => id)).toEqual(expect.arrayContaining(['daemon-settings', 'database-away', 'mount-unavailable']))
})

it('runs on a target that has nothing but its name', async () => {
  const bare: Target = { name: shop.name, title: 'Bare', objectives: { rtoSeconds: null, rpoSeconds: null }, settings: {} }
  expect(await looked(memoryWorld(), bare)).toEqual([])
})

import { expect, test } from 'vitest'
import { viewOf } from '../../../src/drivers/drivers.ts'
import type { Target } from '../../../src/model/target.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import type { Gauge } from '../../../src/run/readiness/check.ts'
import { protectionOf } from '../../../src/run/readiness/protection.ts'
import type { JournalFacts } from '../../../src/run/readiness/journal-facts.ts'
import fullDbRollback from '../../../runbooks/full-db-rollback.ts'
import { fakeMachine, type FakeWorld } from '../../../src/testing/index.ts'
import { goodRun } from '../../fixtures/runs.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { damagedShop, layDump } from '../../steps/fake-shop.ts'
import { healthyShop, journalOf, shop, succeeded } from './healthy.ts'

const bare: Target = { ...shop, drills: [{ drill: 'restore-test', everySeconds: 31 * 86_400 }] }
const dump = 'shop-20260203_040000.dump'

const seen = (world: FakeWorld, journal: JournalFacts = journalOf([]), target = bare) =>
  protectionOf(target, {
    look: viewOf(world.drivers(watchedScope())),
    journal,
    now: world.clock.now(),
    whyNot: () => null,
  })

const placeOf = async (...asked: Parameters<typeof seen>) =>
  (await seen(...asked)).places.find(({ section }) => section === 'backups')

test('the newest backup of each place, and the drills that are due', async () => {
  const world = healthyShop()
  layDump(world, 'shop-20260202_040000.dump')
  const { places, ...rest } = await seen(
    world,
    journalOf([succeeded('restore-test', '2026-02-01T00:00:00Z')]),
  )
  expect(places.find(({ section }) => section === 'backups')).toMatchObject({
    place: '/backups/db',
    count: 2,
    newest: { name: dump, takenAt: '2026-02-03T04:00:00.000Z', bytes: expect.any(Number) },
    proven: null,
    problem: null,
  })
  expect(rest).toMatchObject({
    target: 'shop',
    drills: [{ drill: 'restore-test', state: 'proven', proof: { run: 'restore-test-1' } }],
    problem: null,
  })
})

test('nothing is opened: a list costs no reading of backups', async () => {
  const world = healthyShop()
  world.server.reachable = false
  expect(await placeOf(world)).toMatchObject({ problem: null })
})

test('a backup that a run restored is proven, until it is another file', async () => {
  const world = damagedShop()
  const machine = fakeMachine(world, { book: fullDbRollback, target: shop })
  expect((await machine.run()).code).toBe('succeeded')
  const run = machine.entries[0]?.run ?? ''
  const line = { ...succeeded('full-db-rollback', world.clock.now().toISOString(), shop), run }
  const journal = journalOf([line], { read: async () => machine.entries })
  expect(await placeOf(world, journal)).toMatchObject({
    newest: { name: dump },
    proven: { run, by: 'same-digest' },
  })
  layDump(world, dump, { roles: ['another'] })
  expect(await placeOf(world, journal)).toMatchObject({ newest: { name: dump }, proven: null })
})

test.each([
  [
    'too old',
    async (world: FakeWorld) => world.clock.sleep(3 * 86_400_000),
    { count: 1, problem: expect.stringMatching(/at most 24.0 h are allowed$/) },
  ],
  [
    'without a checksum',
    async (world: FakeWorld) => void world.disk.files.delete(`/backups/db/${dump}.sha256`),
    { count: 1, proven: null, problem: expect.stringContaining('no checksum for backup') },
  ],
  [
    'missing',
    async (world: FakeWorld) => {
      for (const file of world.disk.files.keys())
        if (file.startsWith('/backups/db/')) world.disk.files.delete(file)
    },
    { count: 0, newest: null, problem: expect.stringMatching(/^no backup shop-.* in \/backups\/db$/) },
  ],
  [
    'on a drive that does not answer',
    async (world: FakeWorld) => {
      world.disk.mounts.set('/backups/db', { dead: true } as never)
    },
    { count: null, newest: null, problem: expect.stringContaining('did not answer within 5 s') },
  ],
])('a place whose newest backup is %s does not protect', async (_, change, expected) => {
  const world = healthyShop()
  await change(world)
  expect(await placeOf(world)).toMatchObject(expected)
})

test('the same as numbers, and nothing for what is not known', async () => {
  const world = healthyShop()
  const line = succeeded('restore-test', '2026-02-01T00:00:00Z')
  const valuesOf = (gauges: readonly Gauge[]) =>
    Object.fromEntries(
      gauges.map(({ name, value, labels = {} }) => [[name, ...Object.values(labels)].join(' '), value]),
    )
  const failed = { ...line, run: 'R0', outcome: 'rolled-back' as const, startedAt: '2026-01-01T00:00:00Z' }
  const { gauges } = await seen(world, journalOf([line, failed], { read: async () => goodRun() }))
  expect(valuesOf(gauges)).toMatchObject({
    'backup_newest_timestamp_seconds backups': Date.parse('2026-02-03T04:00:00Z') / 1000,
    'backup_unfit backups': 0,
    'drill_last_success_timestamp_seconds restore-test': Date.parse('2026-02-01T00:00:00Z') / 1000,
    'drill_due_timestamp_seconds restore-test': Date.parse('2026-03-04T00:00:00Z') / 1000,
    open_runs: 0,
    'runs restore-test succeeded': 1,
    'runs restore-test rolled-back': 1,
    'last_run_timestamp_seconds restore-test': Date.parse('2026-02-01T00:00:00Z') / 1000,
    'last_run_succeeded restore-test': 1,
    'last_run_seconds restore-test': 236,
    'last_run_rto_seconds restore-test': 230,
  })
  world.disk.mounts.set('/backups/db', { dead: true } as never)
  const damaged = journalOf([line], { read: () => Promise.reject(new RunbookError('journal', 'damaged')) })
  const dark = valuesOf((await seen(world, damaged)).gauges)
  expect(dark).toMatchObject({ 'backup_unfit backups': 1, 'drill_due_timestamp_seconds restore-test': 0 })
  expect(Object.keys(dark).filter((name) => /newest.* backups|last_/.test(name))).toEqual([])
})

test('where the journal cannot be read nothing is known of proofs and drills', async () => {
  const journal = journalOf([succeeded('restore-test', '2026-02-01T00:00:00Z')], {
    problem: { code: 'journal', message: 'the journal is damaged' },
  })
  expect(await seen(healthyShop(), journal)).toMatchObject({
    drills: null,
    problem: 'the journal is damaged',
    gauges: expect.not.arrayContaining([expect.objectContaining({ name: 'open_runs' })]),
  })
})

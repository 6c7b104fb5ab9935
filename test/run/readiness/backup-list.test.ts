import { expect, test } from 'vitest'
import fullDbRollback from '../../../runbooks/full-db-rollback.ts'
import findGood from '../../../runbooks/find-good-backup.ts'
import restoreTest from '../../../runbooks/restore-test.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { sha256 } from '../../../src/kernel/json.ts'
import { systemOf, type TargetWith } from '../../../src/model/target.ts'
import { remembered } from '../../../src/run/readiness/remembered.ts'
import {
  listedBackups,
  someReading,
  type ListedBackup,
  type Reading,
} from '../../../src/run/readiness/backup-list.ts'
import { proofsIn, proofsOf, type Proof } from '../../../src/run/readiness/proofs.ts'
import { backupsText } from '../../../src/views/backups.ts'
import { dumpBytes, fakeMachine, lay, type FakeWorld } from '../../../src/testing/index.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { bucket, inBucket } from '../../steps/fake-bucket.ts'
import { damagedShop, goodOrders, layDump } from '../../steps/fake-shop.ts'
import { healthyShop, journalOf, shop, succeeded } from './healthy.ts'

const target = shop as TargetWith<'database' | 'backups'>
const dump = '/backups/db/shop-20260203_040000.dump'

const list = (
  world: FakeWorld,
  proofs: readonly Proof[] = [],
  reading: Reading | null = someReading,
): Promise<readonly ListedBackup[]> =>
  listedBackups(
    target,
    remembered(world.drivers(watchedScope()), null).look,
    proofs,
    world.clock.now(),
    reading,
  )

test('newest first, with what is known of each without reading it', async () => {
  const world = healthyShop()
  layDump(world, 'shop-20260202_040000.dump', { major: 16 })
  layDump(world, 'shop-20260201_040000.dump', { database: 'other' })
  lay(
    world.disk,
    '/backups/db/shop-20260131_040000.dump',
    dumpBytes({
      engine: 'postgres',
      major: 17,
      database: 'shop',
      takenAt: null,
      tables: { orders: goodOrders },
      roles: [],
      extensions: [],
    }),
  )
  expect(await list(world)).toMatchObject([
    {
      name: 'shop-20260203_040000.dump',
      format: 'postgres 17',
      vouchedBy: `checksum in ${dump}.sha256`,
      proven: null,
      fits: true,
      why: null,
    },
    { fits: false, why: 'it is a dump of postgres 16, and the server is 17' },
    { fits: false, why: 'it is a dump of the database other, not of shop' },
    { fits: false, vouchedBy: null, why: expect.stringContaining('no checksum for backup') },
  ])
})

test('a server that does not answer: not known, never fits', async () => {
  const world = healthyShop()
  world.server.reachable = false
  expect(await list(world)).toMatchObject([{ fits: null, why: expect.stringContaining('cannot be asked') }])
})

test('the newest one is too old: it fits if it is named', async () => {
  const world = healthyShop()
  await world.clock.sleep(3 * 86_400_000)
  expect(await list(world)).toMatchObject([
    { fits: true, why: expect.stringMatching(/at most 24.0 h are allowed: name it with --dump/) },
  ])
})

test('what a run restored and asserted on is proven, for as long as it is the same file', async () => {
  const world = damagedShop()
  const machine = fakeMachine(world, { book: fullDbRollback, target: shop })
  expect((await machine.run()).code).toBe('succeeded')
  const [first] = machine.entries
  const proofs = proofsOf(first?.run ?? '', machine.entries)
  expect(proofs).toMatchObject([{ runbook: 'full-db-rollback', file: dump }])
  expect(await list(world, proofs)).toMatchObject([
    { proven: { runbook: 'full-db-rollback', by: 'same-digest' } },
  ])
  layDump(world, 'shop-20260203_040000.dump', { roles: ['another'] })
  expect(await list(world, proofs)).toMatchObject([{ proven: null }])
})

test('without a checksum, a proof is known by name and size only, and said so', async () => {
  const world = healthyShop()
  const place = { ...target.backups, checksums: 'if-present' as const }
  world.disk.files.delete(`${dump}.sha256`)
  const bytes = world.disk.files.get(dump)?.length ?? 0
  const proof = {
    run: 'r',
    runbook: 'restore-test',
    at: '2026-02-01T00:00:00Z',
    file: dump,
    bytes,
    sha256: 'x',
  }
  const { look } = remembered(world.drivers(watchedScope()), null)
  const listed = await listedBackups(
    { ...target, backups: place },
    look,
    [proof],
    world.clock.now(),
    someReading,
  )
  expect(listed).toMatchObject([{ proven: { by: 'same-name' } }])
  const shown = {
    target: 'shop',
    directory: '/backups/db',
    place: '/backups/db',
    now: world.clock.now(),
    fitting: ['full-db-rollback'],
  }
  expect(backupsText(listed, shown)).toContain('by restore-test (r), by its name and size')
  expect(
    await listedBackups(
      { ...target, backups: place },
      look,
      [{ ...proof, bytes: 1 }],
      world.clock.now(),
      someReading,
    ),
  ).toMatchObject([{ proven: null }])
})

test('tests and searches prove too; a run that failed proves nothing', async () => {
  for (const [book, outcome] of [
    [restoreTest, 1],
    [findGood, 1],
  ] as const) {
    const world = healthyShop()
    const machine = fakeMachine(world, { book, target: shop })
    await machine.run()
    expect(proofsOf('r', machine.entries)).toHaveLength(outcome)
  }
  const world = healthyShop()
  layDump(world, 'shop-20260203_040000.dump', { tables: { orders: [] } })
  const failing = fakeMachine(world, { book: restoreTest, target: shop })
  expect((await failing.run()).code).toBe('verification')
  expect(proofsOf('r', failing.entries)).toEqual([])
  expect(systemOf(shop)).toBe(
    failing.entries[0]?.entry.type === 'opened' ? failing.entries[0].entry.plan.system : '',
  )
})

test('the text ends with what to type', async () => {
  const world = healthyShop()
  const shown = {
    target: 'shop',
    directory: '/backups/db',
    place: '/backups/db',
    now: world.clock.now(),
    fitting: ['full-db-rollback', 'find-good-backup'],
  }
  const text = backupsText(await list(world), shown)
  expect(text).toContain(`Restore one:  runbook run full-db-rollback --target shop --dump ${dump}\n`)
  expect(text).toContain('Find the newest good one:  runbook backups find-good --target shop\n')
  const taken = Date.parse('2026-02-03T04:00:00Z')
  const at = async (seconds: number): Promise<string> =>
    backupsText(await list(world), { ...shown, now: new Date(taken + seconds * 1000) })
  expect(await at(59)).toMatch(/04:00:00 UTC +under a minute /)
  expect(await at(3_725)).toMatch(/04:00:00 UTC +1h 2m /)
  expect(await at(-1)).toMatch(/04:00:00 UTC +in the future /)
  expect(backupsText([], shown)).toBe('No backups of shop in /backups/db.\n')
})

test('in a bucket: vouched for without a download, and its contents are not known', async () => {
  const { world } = inBucket(healthyShop())
  const place = { ...target.backups, directory: '/state/downloads/shop', from: bucket, cacheBytes: 1_000_000 }
  const { look } = remembered(world.drivers(watchedScope()), null)
  const listed = await listedBackups({ ...target, backups: place }, look, [], world.clock.now(), someReading)
  expect(listed).toMatchObject([
    {
      name: 'shop-20260203_040000.dump',
      format: null,
      vouchedBy: expect.stringContaining('checksum in'),
      fits: null,
      why: 'its contents are not known before it is downloaded',
    },
  ])
  const text = backupsText(listed, {
    target: 'shop',
    directory: place.directory,
    place: 's3://backups',
    now: world.clock.now(),
    fitting: [],
  })
  expect(text).toMatch(/not known.* shop-20260203_040000\.dump /)
  expect(world.faults.reached).not.toContain('places.fetch')
})

test('an old run that turns out damaged proves nothing, and hides no other', async () => {
  const world = damagedShop()
  const machine = fakeMachine(world, { book: fullDbRollback, target: shop })
  expect((await machine.run()).code).toBe('succeeded')
  const run = machine.entries[0]?.run ?? ''
  const line = { ...succeeded('full-db-rollback', '2026-02-03T05:00:00Z'), run }
  const journal = journalOf([{ ...line, run: 'damaged' }, line], {
    read: async (wanted) => {
      if (wanted === run) return machine.entries
      throw new RunbookError('journal', 'entries were altered')
    },
  })
  expect(await proofsIn(journal, shop)).toMatchObject([{ run, file: dump }])
})

const cut = (world: FakeWorld, file: string): void => {
  const bytes = (world.disk.files.get(file) ?? new Uint8Array()).subarray(0, -9)
  lay(world.disk, file, bytes)
  lay(world.disk, `${file}.sha256`, `${sha256(bytes)}  ${file}\n`)
}

test('a dump that was cut off before its checksum was made does not fit, and its start says what it is', async () => {
  const world = healthyShop()
  cut(world, dump)
  expect(await list(world)).toMatchObject([
    { format: 'postgres 17', fits: false, readBy: 'list', why: expect.stringContaining('is truncated') },
  ])
})

test('what nobody has read is not known to fit, in the table too', async () => {
  const world = healthyShop()
  layDump(world, 'shop-20260202_040000.dump')
  cut(world, dump)
  const unread = { fits: null, readBy: null, why: 'it was not read to its end; add --deep to read it' }
  expect(await list(world, [], { files: 0, bytes: 1e9 })).toMatchObject([unread, unread])
  const bytes = world.disk.files.get(dump)?.length ?? 0
  expect(await list(world, [], { files: 9, bytes })).toMatchObject([{ fits: false }, unread])
  const listed = await list(world, [], { files: 1, bytes: 1e9 })
  expect(listed).toMatchObject([{ fits: false }, unread])
  const shown = { target: 'shop', directory: '/backups/db', place: '/b', now: world.clock.now(), fitting: [] }
  expect(backupsText(listed, shown)).toMatch(/not known: it was not read to its end; add --deep to read it$/m)
  expect(await list(world, [], null)).toMatchObject([{ fits: false }, { fits: true, readBy: 'list' }])
})

test('a file that has not changed since a run read it need not be read again', async () => {
  const world = healthyShop()
  const bytes = world.disk.files.get(dump) ?? new Uint8Array()
  const proof = {
    run: 'r',
    runbook: 'restore-test',
    at: '2026-02-03T05:00:00Z',
    file: dump,
    bytes: bytes.length,
    sha256: sha256(bytes),
  }
  const none = { files: 0, bytes: 0 }
  world.disk.modifiedAt.set(dump, new Date('2026-02-03T04:00:00Z'))
  expect(await list(world, [proof], none)).toMatchObject([{ fits: true, readBy: 'run' }])
  world.disk.modifiedAt.set(dump, new Date('2026-02-03T05:30:00Z'))
  expect(await list(world, [proof], none)).toMatchObject([{ fits: null, readBy: null }])
  lay(world.disk, dump, bytes.subarray(0, -9))
  world.disk.modifiedAt.set(dump, new Date('2026-02-03T04:00:00Z'))
  expect(await list(world, [proof], none)).toMatchObject([{ fits: null, readBy: null }])
})

test('a failure that says nothing against a backup leaves it unknown', async () => {
  const world = healthyShop()
  world.faults.order('databases.inspect', 'fail')
  expect(await list(world)).toMatchObject([
    { fits: null, readBy: null, why: expect.stringContaining('it could not be read to its end: ') },
  ])
  world.faults.order('databases.header', 'fail')
  expect(await list(world)).toMatchObject([{ fits: null, format: null, readBy: null }])
})

import { describe, expect, it } from 'vitest'
import book from '../../runbooks/find-good-backup.ts'
import type { BackupPlace } from '../../src/drivers/backups.ts'
import type { S3Store } from '../../src/drivers/places.ts'
import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  fakeMachine,
  keep,
  storeIn,
  type FakeMachine,
  type FakeWorld,
} from '../../src/testing/index.ts'
import type { NewestGood } from '../../steps/bisection/report-good.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { bucket as wholeBucket } from './fake-bucket.ts'
import { braceDumps, checklist, dumped, dumpFile, withDump } from './fake-restore.ts'

const bucket: S3Store = { ...wholeBucket, prefix: 'brace' }
const cache = '/state/downloads/brace'
const bytes = dumpBytes(dumped).length
const { record: _record, ...by } = braceDumps.restoreTest!
const place: BackupPlace = {
  ...braceDumps.backups!,
  directory: cache,
  from: bucket,
  cacheBytes: 100 * bytes,
  checksums: 'if-present',
}
const target: Target = { ...braceDumps, restoreTest: { ...by, record: null }, backups: place }

/** Two rows in the table that must have one. */
const damaged = {
  ...dumped,
  tables: { ...dumped.tables, alembic_version: [{ version_num: 'a' }, { version_num: 'b' }] },
}

const nameAt = (hoursAgo: number): string => {
  const at = new Date(Date.parse('2026-02-03T04:00:00Z') - hoursAgo * 3_600_000)
  return `brace_tg_${at.toISOString().replaceAll(/[-:T]|\.000Z/g, '')}.dump`
}
const fileAt = (hoursAgo: number): string => `${cache}/${nameAt(hoursAgo)}`

/** Newest first, one an hour, in a bucket and nowhere else. */
function stored(kinds: readonly ('good' | 'bad' | 'other' | 'newer')[]): FakeWorld {
  const world = withDump()
  world.disk.files.delete(dumpFile)
  world.disk.folders.delete('/srv/brace/backups')
  for (const folder of ['/state', '/state/downloads', cache]) world.disk.folders.add(folder)
  const store = storeIn(world.stores, bucket)
  for (const [index, kind] of kinds.entries()) {
    const dump = kind === 'bad' ? damaged : kind === 'other' ? { ...dumped, database: 'audit' } : dumped
    keep(store, nameAt(index), dumpBytes(kind === 'newer' ? { ...dump, major: dumped.major + 1 } : dump))
  }
  return world
}

const left = [0, 1].flatMap((index) =>
  ['', '.sha256', '.fetched.json', '.partial'].map((ending) => `${fileAt(index)}${ending}`),
)

provesItself({
  name: 'find-good-backup in a bucket',
  book,
  target,
  params: {},
  world: () => stored(['bad', 'good']),
  // A download stays, whatever becomes of the run.
  records: [checklist, ...left],
  succeeded: (world) => {
    expect(world.containers.containers.size).toBe(0)
    expect([...world.disk.files.keys()].filter((path) => path.includes('.used-by-'))).toEqual([])
    expect(Buffer.from(world.disk.files.get(checklist) ?? []).toString()).toContain(
      `| succeeded | ${fileAt(1)} |`,
    )
  },
})

const answerOf = (machine: FakeMachine): NewestGood | undefined =>
  machine.entries.flatMap(({ entry }) =>
    entry.type === 'ended' && entry.step === 'report-the-newest-good-backup'
      ? [entry.output as unknown as NewestGood]
      : [],
  )[0]
const fetches = (world: FakeWorld): number =>
  world.faults.reached.filter((moment) => moment === 'places.fetch').length

describe('a search among backups in a bucket', () => {
  it('downloads only what it tests, and keeps to the limit of the cache', async () => {
    const world = stored([
      ...Array.from({ length: 5 }, () => 'bad' as const),
      ...Array.from({ length: 11 }, () => 'good' as const),
    ])
    // Room for two, which is fewer than are tested.
    const backups = { ...place, cacheBytes: Math.floor(2.5 * bytes) }
    const machine = fakeMachine(world, { book, target: { ...target, backups } })
    expect(await machine.run({})).toMatchObject({ outcome: 'succeeded' })
    const answer = answerOf(machine)
    expect([answer?.file, answer?.firstBad?.file]).toEqual([fileAt(5), fileAt(4)])
    expect(answer?.tested).toBeGreaterThan(2)
    expect(fetches(world)).toBeLessThanOrEqual(6)
    const kept = [...world.disk.files.keys()].filter(
      (path) => path.startsWith(cache) && path.endsWith('.dump'),
    )
    expect(kept.length).toBeLessThanOrEqual(2)
  })

  it('passes over one that turns out to be of another database or version', async () => {
    for (const kind of ['other', 'newer'] as const) {
      const machine = fakeMachine(stored(['bad', kind, 'good']), { book, target })
      expect(await machine.run({})).toMatchObject({ outcome: 'succeeded' })
      const answer = answerOf(machine)
      expect([answer?.file, answer?.firstBad?.file]).toEqual([fileAt(2), fileAt(0)])
      expect(answer?.claims.join('\n')).toContain(`between them, damaged and not judged: ${fileAt(1)}`)
    }
  })

  it('is not refused because the newest one is old, and says so', async () => {
    const world = stored(['bad', 'good'])
    const backups = { ...place, maxAgeSeconds: 60 }
    const machine = fakeMachine(world, { book, target: { ...target, backups } })
    const result = await machine.run({})
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(result.findings.map(({ level }) => level)).not.toContain('refuse')
  })

  it('downloads nothing in a dry run, and says what would be', async () => {
    const world = stored(['bad', 'good'])
    const before = world.state()
    const machine = fakeMachine(world, { book, target })
    expect(await machine.dryRun({})).toMatchObject({ code: 'succeeded' })
    expect(fetches(world)).toBe(0)
    expect(world.state()).toEqual(before)
  })
})

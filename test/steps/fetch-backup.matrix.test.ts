import { describe, expect, it } from 'vitest'
import restoreTest from '../../runbooks/restore-test.ts'
import type { BackupPlace } from '../../src/drivers/backups.ts'
import type { S3Store } from '../../src/drivers/places.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  fakeMachine,
  keep,
  lay,
  storeIn,
  type FakeStore,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { bucket as wholeBucket } from './fake-bucket.ts'
import { braceDumps, checklist, dumped, dumpFile, record, withDump } from './fake-restore.ts'

const bucket: S3Store = { ...wholeBucket, prefix: 'brace' }
const cache = '/state/downloads/brace'
const name = 'brace_tg_20260203040000.dump'
const file = `${cache}/${name}`
const place: BackupPlace = {
  ...braceDumps.backups!,
  directory: cache,
  from: bucket,
  cacheBytes: 10_000,
  checksums: 'required',
}
const target: Target = { ...braceDumps, backups: place }

/** The dump is in a bucket, and nowhere else. */
function inBucket(): FakeWorld {
  const world = withDump()
  world.disk.files.delete(dumpFile)
  world.disk.folders.delete('/srv/brace/backups')
  for (const folder of ['/state', '/state/downloads', cache]) world.disk.folders.add(folder)
  keep(storeIn(world.stores, bucket), name, dumpBytes(dumped))
  return world
}

provesItself({
  name: 'restore-test of a dump in a bucket',
  book: restoreTest,
  target,
  params: {},
  world: inBucket,
  // A download stays, whatever becomes of the run.
  records: [checklist, file, `${file}.sha256`, `${file}.fetched.json`, `${file}.partial`],
  dated: (path) => path === record,
  succeeded: (world) => {
    expect(world.disk.files.has(file)).toBe(true)
    expect([...world.disk.files.keys()].filter((path) => path.includes('.used-by-'))).toEqual([])
    expect(Buffer.from(world.disk.files.get(record) ?? []).toString()).toMatch(/- Result: pass/)
  },
})

describe('a backup that is kept elsewhere', () => {
  const machine = (world: FakeWorld, more: Partial<BackupPlace> = {}) =>
    fakeMachine(world, { book: restoreTest, target: { ...target, backups: { ...place, ...more } } })
  const store = (world: FakeWorld): FakeStore => storeIn(world.stores, bucket)
  const fetches = (world: FakeWorld) =>
    world.faults.reached.filter((moment) => moment === 'places.fetch').length
  const recordOf = (world: FakeWorld, of = file) =>
    JSON.parse(Buffer.from(world.disk.files.get(`${of}.fetched.json`) ?? []).toString()) as {
      usedAt: string
    }

  it('is downloaded once, and again only where the cache has another version or is damaged', async () => {
    const world = inBucket()
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect(fetches(world)).toBe(1)

    lay(world.disk, file, Buffer.alloc(dumpBytes(dumped).length))
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect(fetches(world)).toBe(2)

    keep(store(world), name, dumpBytes({ ...dumped, roles: ['brace_user'] }))
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect(fetches(world)).toBe(3)
  })

  it('is predicted with its bytes in a dry run, which downloads nothing', async () => {
    const world = inBucket()
    const { entries } = await (async () => {
      const here = machine(world)
      expect((await here.dryRun({})).code).toBe('succeeded')
      return here
    })()
    const told = entries.flatMap(({ entry }) =>
      entry.type === 'foretold' && entry.step === 'download-the-backup' ? [entry.prediction] : [],
    )
    const bytes = dumpBytes(dumped).length
    expect(told).toMatchObject([
      {
        bytes,
        seconds: null,
        changes: [`${name} is downloaded from s3://backups/brace to ${file} (${bytes} bytes)`],
      },
    ])
    expect(world.disk.files.has(file)).toBe(false)
  })

  it('is refused in preflight where it is not reachable, missing, too old or without room', async () => {
    const cases: readonly (readonly [(world: FakeWorld) => unknown, Partial<BackupPlace>, RegExp])[] = [
      [(world) => (store(world).trouble = 'it is not reachable'), {}, /it is not reachable/],
      [(world) => world.stores.clear(), {}, /does not exist/],
      [(world) => store(world).objects.clear(), {}, /no backup .* in s3:\/\/backups\/brace/],
      [(world) => world.clock.sleep(400_000_000), {}, /at most 26\.0 h are allowed/],
      [() => undefined, { cacheBytes: 10 }, /more than the limit of the cache \(10\)/],
      [(world) => (world.disk.freeBytes = 10), {}, /bytes are needed in .* and 10 are free/],
      [(world) => (store(world).keepsDigests = false), {}, /no checksum for .* but checksums are required/],
      [() => undefined, { require: 'signed' }, /no signed manifest/],
    ]
    for (const [trouble, more, words] of cases) {
      const world = inBucket()
      await trouble(world)
      const before = world.state()
      const result = await machine(world, more).run({})
      expect(result, String(words)).toMatchObject({ code: 'preflight', outcome: 'refused' })
      expect(JSON.stringify(result.findings)).toMatch(words)
      expect(world.state()).toEqual(before)
      expect(fetches(world)).toBe(0)
    }
  })

  it('brings the checksum beside it, and is refused where it does not match', async () => {
    const world = inBucket()
    store(world).keepsDigests = false
    keep(store(world), `${name}.sha256`, `${sha256(dumpBytes(dumped))}  ${name}\n`)
    expect((await machine(world).run({})).code).toBe('succeeded')
    keep(store(world), `${name}.sha256`, `${sha256('another')}  ${name}\n`)
    keep(store(world), name, dumpBytes({ ...dumped, roles: [] }))
    expect(await machine(world).run({})).toMatchObject({ code: 'verification', outcome: 'rolled-back' })
  })

  it('without any digest is used where none is required', async () => {
    const world = inBucket()
    store(world).keepsDigests = false
    expect((await machine(world, { checksums: 'if-present' }).run({})).code).toBe('succeeded')
    expect(world.disk.files.has(`${file}.sha256`)).toBe(false)
  })

  it('is not used when it was replaced while it was being downloaded', async () => {
    const world = inBucket()
    world.faults.order('places.fetch', 'fail')
    expect((await machine(world).run({})).outcome).toBe('rolled-back')
    expect(world.disk.files.has(file)).toBe(false)
  })

  it('continues where a lost connection left it', async () => {
    const world = inBucket()
    store(world).cutAfter = 50
    expect(await machine(world).run({})).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
    expect(world.disk.files.get(`${file}.partial`)).toHaveLength(50)
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect(world.disk.files.has(`${file}.partial`)).toBe(false)
  })

  it('makes room by removing what was used least recently, and nothing that a run uses or that is not its own', async () => {
    const world = inBucket()
    const older = (day: number, body = 'x'.repeat(3000)): string => {
      const at = `${cache}/brace_2026010${day}000000.dump`
      lay(world.disk, at, body)
      lay(
        world.disk,
        `${at}.fetched.json`,
        JSON.stringify({
          key: `brace_2026010${day}000000.dump`,
          version: 'v',
          bytes: body.length,
          sha256: sha256(body),
          files: [`brace_2026010${day}000000.dump`],
          usedAt: `2026-01-0${day}T00:00:00Z`,
          seconds: null,
        }),
      )
      return at
    }
    const [first, second, third] = [older(1), older(2), older(3)]
    const stranger = `${cache}/brace_20260104000000.dump`
    lay(world.disk, stranger, 'not a download')
    lay(world.disk, `${first}.used-by-another-run`, world.clock.now().toISOString())
    expect((await machine(world, { cacheBytes: 9_000 }).run({})).code).toBe('succeeded')
    expect([first, second, third, stranger, file].map((path) => world.disk.files.has(path))).toEqual([
      true,
      false,
      true,
      true,
      true,
    ])
    expect(recordOf(world).usedAt).not.toBe('')

    // Nothing that may go is enough.
    const full = inBucket()
    lay(full.disk, first, 'x'.repeat(3000))
    for (const [path, body] of world.disk.files) if (path.startsWith(`${first}.`)) lay(full.disk, path, body)
    const refused = await machine(full, { cacheBytes: 3_100 }).run({})
    expect(refused).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(JSON.stringify(refused.findings)).toMatch(/is full: .* other runs use .*another-run/)
  })

  it('is found by its key and its name; a name that two have is ambiguous', async () => {
    const world = inBucket()
    for (const dump of [name, `/home/op/${name}`, file])
      expect((await machine(world).run({ dump })).code, dump).toBe('succeeded')
    keep(store(world), `2026/02-03/${name}`, dumpBytes(dumped))
    expect(JSON.stringify(await machine(world).run({ dump: 'brace_other.dump' }))).toMatch(
      /there is no brace_other\.dump in s3:/,
    )
    expect((await machine(world).run({ dump: `/home/op/2026/02-03/${name}` })).code).toBe('succeeded')
    expect(world.disk.files.has(`${cache}/2026/02-03/${name}`)).toBe(true)
  })

  it('never leaves the cache by its name', async () => {
    const world = inBucket()
    store(world).objects.clear()
    keep(store(world), `../../${name}`, dumpBytes(dumped))
    keep(store(world), `2026/../${name}`, dumpBytes(dumped))
    expect((await machine(world).run({})).code).toBe('preflight')
  })
})

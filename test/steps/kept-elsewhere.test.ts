import { describe, expect, it } from 'vitest'
import diagnose from '../../runbooks/diagnose.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import prune from '../../runbooks/prune.ts'
import sign from '../../runbooks/sign-backup.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import type { BorgStore } from '../../src/drivers/places.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeMachine, keep, lay, storeIn, type FakeWorld } from '../../src/testing/index.ts'
import { bucket, inBucket } from './fake-bucket.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn } from './hands.ts'

const name = 'shop-20260203_040000.dump'
const dump = `/backups/db/${name}`
const cache = '/state/downloads/shop'
const target = {
  ...shop,
  backups: { ...shop.backups, directory: cache, from: bucket, cacheBytes: 1_000_000 },
} as Target
const params = { dump: null, badSince: null, strategy: 'beside' }
const machine = (world: FakeWorld, book: Runbook, of = target) => fakeMachine(world, { book, target: of })
const fetches = (world: FakeWorld) => world.faults.reached.filter((one) => one === 'places.fetch').length

describe('full-db-rollback with backups in a bucket', () => {
  it('restores the dump, and downloads it before a service is stopped', async () => {
    const { world } = inBucket()
    expect(await machine(world, rollback).run(params)).toMatchObject({ code: 'succeeded' })
    const { reached } = world.faults
    expect(reached.indexOf('places.fetch done')).toBeLessThan(reached.indexOf('services.stop'))
    expect(reached.indexOf('places.fetch done')).toBeGreaterThan(0)
  })

  it('refuses the dump of another system by its manifest, before it is downloaded', async () => {
    const first = damagedShop()
    const body = first.disk.files.get(dump) ?? new Uint8Array()
    await handsOn(first).io.backups.sign(
      { file: dump, bytes: body.length, sha256: sha256(body) },
      {
        source: { kind: 'postgres', system: 'elsewhere', name: 'shop', host: 'x', oid: '1' },
        begun: '2026-02-03T04:00:00.000Z',
        tools: [],
        rows: null,
      },
    )
    const { world } = inBucket(first)
    const result = await machine(world, rollback).run(params)
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(JSON.stringify(result.findings)).toContain('is a backup of another system')
    expect(fetches(world)).toBe(0)
  })

  it('takes a manifest that is signed along, and one whose signature is missing is refused', async () => {
    const first = damagedShop()
    const body = first.disk.files.get(dump) ?? new Uint8Array()
    await handsOn(first).io.backups.sign(
      { file: dump, bytes: body.length, sha256: sha256(body) },
      {
        source: { kind: 'postgres', system: 'pretended', name: 'shop', host: 'pretended', oid: '1' },
        begun: '2026-02-03T04:00:00.000Z',
        tools: [],
        rows: null,
      },
    )
    const { world, store } = inBucket(first)
    store.keepsDigests = false
    const only = { ...target, backups: { ...target.backups, require: 'signed' } } as Target
    const here = machine(world, rollback, only)
    expect(await here.run(params)).toMatchObject({ code: 'succeeded' })
    expect(JSON.stringify(here.entries)).toContain('the signature of SHA256:pretended')

    store.objects.delete(manifestFiles(name)[1])
    const result = await machine(world, rollback, only).run(params)
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(JSON.stringify(result.findings)).toMatch(/its signature .* is missing/)
  })

  it('chooses the newest one from before the bad deployment', async () => {
    const { world, store } = inBucket()
    keep(store, 'shop-20260203_044500.dump', 'newer and bad')
    const here = machine(world, rollback)
    await here.run({ ...params, badSince: '2026-02-03T04:30:00.000Z' })
    expect(world.disk.files.has(`${cache}/${name}`)).toBe(true)
    expect(world.disk.files.has(`${cache}/shop-20260203_044500.dump`)).toBe(false)
  })
})

it('sign-backup says where backups are signed that are kept elsewhere', async () => {
  const { world } = inBucket()
  const result = await machine(world, sign).run({ dump: null })
  expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
  expect(JSON.stringify(result.findings)).toMatch(
    /cannot read backups in s3:\/\/backups: they are not files of this machine/,
  )
})

describe('diagnose', () => {
  const told = async (world: FakeWorld): Promise<string> => {
    const here = machine(world, diagnose, { ...target, settings: {} })
    await here.run({})
    expect(fetches(world)).toBe(0)
    return JSON.stringify(here.entries)
  }

  it('looks at backups without a download, and says where they are', async () => {
    const { world, store } = inBucket()
    expect(await told(world)).not.toContain('backup-stale')
    store.objects.clear()
    expect(await told(world)).toMatch(/no file in s3:\/\/backups matches/)
  })
})

describe('a place that checks what it reads', () => {
  const archives: BorgStore = {
    kind: 'borg',
    repository: '/srv/borg',
    passphrase: null,
    newest: 30,
    variables: {},
  }

  it('needs no checksum, and each archive is a backup dated by the archive', async () => {
    const first = damagedShop()
    const body = first.disk.files.get(dump) ?? new Uint8Array()
    const { world } = inBucket(first)
    const store = storeIn(world.stores, archives)
    store.keepsDigests = false
    keep(store, 'night-1/var/shop.dump', 'older', new Date('2026-02-02T04:00:00Z'))
    keep(store, 'night-2/var/shop.dump', body, new Date('2026-02-03T04:00:00Z'))
    world.programs.installed.set('borg', { version: '1.2.4' })
    const of = {
      ...target,
      backups: { ...target.backups, from: archives, pattern: 'shop.dump', checksums: 'required' },
    } as Target
    expect(await machine(world, rollback, of).run(params)).toMatchObject({ code: 'succeeded' })
    expect(world.disk.files.has(`${cache}/night-2/var/shop.dump`)).toBe(true)
    const ambiguous = await machine(world, rollback, of).run({ ...params, dump: '/x/shop.dump' })
    expect(JSON.stringify(ambiguous)).toMatch(/shop\.dump is ambiguous: 2 in the newest 30 archives/)
  })
})

describe('prune', () => {
  const download = (world: FakeWorld, day: number, body = `dump ${day}`): string => {
    const file = `${cache}/shop-2026010${day}_040000.dump`
    lay(world.disk, file, body)
    lay(world.disk, `${file}.sha256`, 'sum')
    const of = file.slice(cache.length + 1)
    lay(
      world.disk,
      `${file}.fetched.json`,
      JSON.stringify({
        key: of,
        version: 'v',
        bytes: body.length,
        sha256: sha256(body),
        files: [of, `${of}.sha256`, 'SHA256SUMS'],
        usedAt: `2026-01-0${day}T00:00:00Z`,
        seconds: 1,
      }),
    )
    return file
  }

  it('removes downloads but the newest intact one, and none that a run uses', async () => {
    const { world } = inBucket()
    const [used, old, intact] = [download(world, 1), download(world, 2), download(world, 3)]
    lay(world.disk, `${used}.used-by-some-run`, world.clock.now().toISOString())
    const damaged = download(world, 4)
    lay(world.disk, damaged, 'dump ?')
    const stranger = `${cache}/shop-20260105_040000.dump`
    lay(world.disk, stranger, 'not a download')
    lay(world.disk, `${cache}/SHA256SUMS`, 'shared')
    const before = storeIn(world.stores, bucket).objects.size
    world.person = { ...world.person, confirm: `prune ${target.name}` }
    const result = await machine(world, prune).run({ what: 'downloads', keep: null })
    expect(result, JSON.stringify(result)).toMatchObject({ code: 'succeeded' })
    const left = [...world.disk.files.keys()].filter((path) => path.startsWith(cache)).sort()
    expect(left).toContain(used)
    expect(left).toContain(intact)
    expect(left).toContain(stranger)
    expect(left).toContain(`${cache}/SHA256SUMS`)
    expect(left.filter((path) => path.startsWith(old))).toEqual([])
    expect(storeIn(world.stores, bucket).objects.size).toBe(before)
  })

  it('has nothing to prune where backups are files of this machine', async () => {
    const result = await machine(damagedShop(), prune, shop).run({ what: 'downloads', keep: null })
    expect(JSON.stringify(result)).toContain('no downloads to prune in the target')
  })
})

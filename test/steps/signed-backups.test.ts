import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import spotRestore from '../../runbooks/monthly-spot-restore.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import type { BackupSource, RowCount } from '../../src/index.ts'
import type { Target } from '../../src/model/target.ts'
import { chooseDump } from '../../steps/backups/choose-dump.ts'
import { verifyBackup } from '../../steps/backups/verify-backup.ts'
import { dumpsOf } from '../../steps/retention/lib/dumps.ts'
import { backupsOf } from '../../steps/retention/lib/backups.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, goodOrders, shop } from './fake-shop.ts'
import { alone, handsOn, opened } from './hands.ts'

const dump = '/backups/db/shop-20260203_040000.dump'
const archive = '/backups/data/data-20260203_020000.tar.gz.gpg'
const own: BackupSource = { kind: 'postgres', system: 'pretended', name: 'shop', host: 'pretended', oid: '1' }
const orders: readonly RowCount[] = [{ table: 'orders', rows: goodOrders.length }]

async function signed(
  world: FakeWorld,
  file: string,
  source: BackupSource,
  rows: readonly RowCount[] | null = null,
): Promise<FakeWorld> {
  const body = world.disk.files.get(file) ?? new Uint8Array()
  await handsOn(world).io.backups.sign(
    { file, bytes: body.length, sha256: sha256(body) },
    { source, begun: '2026-02-03T04:00:00.000Z', tools: [], rows },
  )
  return world
}

const params = { dump: null, badSince: null, strategy: 'beside' }
const from = (more: Partial<NonNullable<Target['backups']>>): Target =>
  ({ ...shop, backups: { ...shop.backups, ...more } }) as Target
const machineOf = (world: FakeWorld, target: Target = shop) => fakeMachine(world, { book: rollback, target })

/** It is refused before the first effect, and the dry run says so too. */
async function refused(
  world: FakeWorld,
  message: RegExp,
  hint: RegExp,
  target: Target = shop,
): Promise<void> {
  const before = world.state()
  for (const how of ['run', 'dryRun'] as const) {
    const machine = machineOf(world, target)
    const result = await (how === 'run' ? machine.run(params) : machine.dryRun(params))
    expect(JSON.stringify(machine.entries), how).toMatch(message)
    expect(JSON.stringify(machine.entries), how).toMatch(hint)
    expect(result.code, how).toBe(how === 'run' ? 'preflight' : 'verification')
  }
  const { files: _was, ...rest } = before
  const { files: _is, ...now } = world.state()
  expect(now).toEqual(rest)
}

describe('a restore of a dump with a signed manifest', () => {
  it('needs no checksum, and plan, approval and evidence say whose signature vouches for it', async () => {
    const world = await signed(damagedShop(), dump, own, orders)
    world.disk.files.delete(`${dump}.sha256`)
    const machine = machineOf(world, from({ require: 'signed' }))
    expect(await machine.run(params)).toMatchObject({ code: 'succeeded' })
    const state = stateOf(machine.entries)
    expect(state.steps.get('choose-and-verify-the-dump')?.output).toMatchObject({
      vouchedBy: 'signature',
      vouched: 'the signature of SHA256:pretended (run test-run)',
      manifest: { source: own, rows: orders },
    })
    expect(JSON.stringify(machine.entries)).toContain(
      '"vouched for by":"the signature of SHA256:pretended (run test-run)"',
    )
  })

  it('without a manifest it says which checksum vouches for it', async () => {
    const machine = machineOf(damagedShop())
    await machine.run(params)
    expect(stateOf(machine.entries).steps.get('choose-and-verify-the-dump')?.output).toMatchObject({
      vouchedBy: 'checksum',
      vouched: `the checksum in ${dump}.sha256`,
    })
  })

  it.each([
    [
      'another server',
      { ...own, system: 'elsewhere' },
      /backup of another system: its manifest says the Postgres database shop of elsewhere, and the target is the Postgres database of pretended/,
      /alsoFrom: \['elsewhere'\]/,
    ],
    [
      'another engine',
      { kind: 'sqlite', system: '/srv/shop.db', name: 'shop' },
      /backup of another system: its manifest says the SQLite database/,
      /choose another backup/,
    ],
    [
      'a folder',
      { kind: 'folder', system: '/srv/data', name: 'data' },
      /backup of another system: its manifest says the folder/,
      /choose another backup/,
    ],
  ] as const)('is refused where it is of %s', async (_, source, message, hint) => {
    await refused(await signed(damagedShop(), dump, source), message, hint)
  })

  it('in a throwaway may be of any system, and the log says of which', async () => {
    const world = await signed(damagedShop(), dump, { ...own, system: 'elsewhere', host: 'elsewhere' })
    const { look, notes } = handsOn(world)
    const { step, input } = opened(
      chooseDump({ engine: 'postgres', name: 'shop', from: from({}).backups!, file: dump }),
    )
    await step.run(look as never, input as never)
    expect(notes.join()).toContain('made from shop of elsewhere')
  })

  it('of another system is accepted where the target says so', async () => {
    const world = await signed(damagedShop(), dump, { ...own, system: 'former' })
    expect(await machineOf(world, from({ alsoFrom: ['former'] })).run(params)).toMatchObject({
      code: 'succeeded',
    })
  })

  it.each([
    [
      'an altered dump',
      (world: FakeWorld): void => void world.disk.files.set(dump, Buffer.from('longer '.repeat(100))),
      /it states \d+ bytes/,
    ],
    [
      'an altered manifest',
      (world: FakeWorld): void => void world.disk.files.set(manifestFiles(dump)[0], Buffer.from('{}')),
      /not a manifest of a backup/,
    ],
    [
      'a missing signature',
      (world: FakeWorld): void => void world.disk.files.delete(manifestFiles(dump)[1]),
      /its signature .* is missing/,
    ],
    [
      'a key that is not trusted',
      (world: FakeWorld) => {
        world.keys.trusted.clear()
        world.keys.trusted.add('another')
      },
      /signed with a key that is not trusted/,
    ],
  ] as const)('is refused with %s, although its checksum may match', async (_, alter, message) => {
    const world = await signed(damagedShop(), dump, own)
    alter(world)
    const body = world.disk.files.get(dump) ?? new Uint8Array()
    world.disk.files.set(`${dump}.sha256`, Buffer.from(`${sha256(body)}  shop-20260203_040000.dump\n`))
    await refused(world, message, /fetch|add its key|choose another/)
  })

  it('without a manifest is refused where only signed backups are accepted', async () => {
    await refused(damagedShop(), /no signed manifest for backup/, /sign-backup/, from({ require: 'signed' }))
  })

  it('goes back where the copy has other rows than its manifest says, and says which', async () => {
    const world = await signed(damagedShop(), dump, own, [
      { table: 'orders', rows: goodOrders.length + 1 },
      { table: 'refunds', rows: 3 },
    ])
    const machine = machineOf(world)
    expect(await machine.run(params)).toMatchObject({ outcome: 'rolled-back' })
    expect(JSON.stringify(machine.entries)).toContain(
      'its rows differ from the manifest of the dump: orders 2 rows instead of 3 (-1), refunds is gone, with 3 rows',
    )
  })
})

describe('dumps that runs make', () => {
  it('are signed, with the rows of the database that was put aside', async () => {
    const world = damagedShop()
    await machineOf(world).run(params)
    const made = [...world.disk.files.keys()].find((path) => /kept\/shop-replaced-.*\.dump$/.test(path)) ?? ''
    const stated: unknown = JSON.parse(
      Buffer.from(world.disk.files.get(manifestFiles(made)[0]) ?? []).toString(),
    )
    expect(stated).toMatchObject({
      name: made.slice(made.lastIndexOf('/') + 1),
      sha256: sha256(world.disk.files.get(made) ?? ''),
      source: { kind: 'postgres', system: 'pretended' },
      rows: [{ table: 'orders', rows: 1 }],
      tools: [{ tool: 'postgres (server)', version: '17.6' }, { tool: 'pretended' }],
    })
    expect(
      await handsOn(world).look.backups.list({
        ...shop.backups,
        directory: '/backups/kept',
        pattern: 'shop-*',
      } as never),
    ).toHaveLength(1)
  })

  it('can be restored from by their manifest alone', async () => {
    const world = damagedShop()
    await machineOf(world).run(params)
    const made = [...world.disk.files.keys()].find((path) => /kept\/shop-replaced-.*\.dump$/.test(path)) ?? ''
    const machine = machineOf(world, from({ require: 'signed' }))
    expect(await machine.run({ ...params, dump: made })).toMatchObject({ code: 'succeeded' })
  })

  it('are removed with their manifests by prune', async () => {
    const world = damagedShop()
    await machineOf(world).run(params)
    const { look } = handsOn(world)
    const { database, retention, data } = shop
    if (database === undefined || retention === undefined || data === undefined) throw new Error('incomplete')
    const [inventory] = await dumpsOf(look, { database, volume: null }, retention)
    const made = inventory?.artifacts[0]?.name ?? ''
    expect(inventory?.artifacts.map(({ files }) => files.map(({ path }) => path))).toEqual([
      [...manifestFiles(made), made],
    ])
    await signed(world, archive, { kind: 'folder', system: '/srv/data', name: 'data' })
    const [backups] = await backupsOf(look, data)
    expect(backups?.artifacts[0]?.files.map(({ path }) => path)).toEqual([
      `${archive}.sha256`,
      ...manifestFiles(archive),
      archive,
    ])
  })

  it.each(['fail', 'kill'] as const)(
    'a rollback keeps what was live where the signing is %sed',
    async (fault) => {
      const world = damagedShop()
      world.web.answers.set('http://shop/health', [{ status: 500 }])
      const machine = machineOf(world)
      // The first signature is that of the fallback.
      world.faults.order('backups.sign', fault, 2)
      const run = machine.run({ ...params, strategy: 'in-place' })
      if (fault === 'kill') {
        await expect(run).rejects.toMatchObject({ name: 'Killed' })
        expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
      } else {
        expect(await run).toMatchObject({ outcome: 'rolled-back' })
        expect(stateOf(machine.entries).remains.join('\n')).toMatch(
          /shop-kept-.*\.dump has no signed manifest: /,
        )
      }
      const kept = [...world.disk.files.keys()].filter((path) => /-kept-.*\.dump/.test(path))
      const [dumpOfLive = ''] = kept
      expect(kept.toSorted()).toEqual(
        fault === 'kill' ? [dumpOfLive, ...manifestFiles(dumpOfLive)] : [dumpOfLive],
      )
    },
  )
})

describe('data archives', () => {
  it('of another folder are refused by a restore', async () => {
    const making = { source: '/srv/data' }
    const target = { ...shop, data: { ...shop.data, making } } as unknown as Target
    const world = await signed(damagedShop(), archive, {
      kind: 'folder',
      system: '/srv/other',
      name: 'other',
    })
    world.environment.set('PASSPHRASE', 'correct horse battery staple')
    const machine = fakeMachine(world, { book: spotRestore, target })
    expect(await machine.run({ bundle: null, archive: null })).toMatchObject({
      code: 'preflight',
    })
    expect(JSON.stringify(machine.entries)).toContain(
      'its manifest says the folder other of /srv/other, and the target is the folder of /srv/data',
    )
  })
})

describe('a backup for a database in a volume', () => {
  it.each<[BackupSource, boolean]>([
    [{ kind: 'folder', system: '/srv/data', name: 'data' }, false],
    [own, false],
    [{ kind: 'sqlite', system: '/var/lib/app.db', name: 'app' }, true],
  ])('is one of a SQLite database: %j', async (source, accepted) => {
    const world = await signed(damagedShop(), archive, source)
    const { step, input } = opened(
      verifyBackup({ from: (shop.data as NonNullable<typeof shop.data>).place, file: null, kind: 'sqlite' }),
    )
    const found = Promise.resolve(step.preflight?.(handsOn(world).look, input, alone))
    if (accepted) expect(await found).toEqual([])
    else await expect(found).rejects.toThrow('and the target is the SQLite database')
  })
})

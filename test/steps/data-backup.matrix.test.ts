import { describe, expect, it } from 'vitest'
import backup from '../../runbooks/data-backup.ts'
import spot from '../../runbooks/monthly-spot-restore.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Backup } from '../../src/drivers/backups.ts'
import type { Target } from '../../src/model/target.ts'
import { archiveOf, lay, fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { findings, forecast } from '../../steps/backups/check-destination.ts'
import { toPrune } from '../../steps/backups/lib/backups-to-prune.ts'
import { provesItself, type Procedure } from '../fixtures/matrix.ts'
import { codexData, drive, kept, older } from './fake-drive.ts'

const backups = ({ disk }: FakeWorld): readonly string[] =>
  [...disk.files.keys()]
    .filter((path) => path.startsWith(`${kept}/`) && !/\.(?:sha256|manifest\.json(?:\.sig)?)$/.test(path))
    .sort()
const made = (world: FakeWorld): string =>
  backups(world).find((path) => !(older as readonly string[]).includes(path)) ?? 'none'
const text = ({ disk }: FakeWorld, path: string): string => Buffer.from(disk.files.get(path) ?? []).toString()

const common = { target: codexData, world: drive, records: ['/artifacts/checklist.md'], book: backup }
// The way with every step in it; the plain one is a part of it, and is gone below.
const procedure: Procedure = {
  ...common,
  name: 'data-backup --encrypt --prune',
  params: { encrypt: true, prune: true, keep: 2 },
  succeeded: (world, result) => {
    const file = made(world)
    expect(file).toMatch(/\.tar\.gz\.gpg$/)
    expect(backups(world)).toEqual([older[0], file].sort())
    expect(text(world, '/artifacts/checklist.md')).toContain(result.run)
  },
}
provesItself(procedure)

async function run(
  params: Parameters<ReturnType<typeof fakeMachine>['run']>[0],
  change: (world: FakeWorld) => void = () => undefined,
  target: Target = codexData,
) {
  const world = drive()
  change(world)
  const machine = fakeMachine(world, { book: backup, target })
  const before = world.state()
  const result = await machine.run(params)
  return {
    world,
    result,
    before,
    told: JSON.stringify(machine.entries),
    untouched: () => expect(world.state()).toEqual(before),
  }
}
type Data = NonNullable<Target['data']>
const withMaking = (more: Partial<NonNullable<Data['making']>>): Target => {
  const { data } = codexData
  if (data?.making === undefined) throw new Error('the target makes backups')
  return { ...codexData, data: { ...data, making: { ...data.making, ...more } } }
}

it('T.22: files a plain archive with a checksum of its bare name, prunes nothing unasked, and leaves staging empty', async () => {
  const { world, result } = await run({})
  expect(result.code).toBe('succeeded')
  const file = made(world)
  expect(file).toBe(`${kept}/2026/02-03/codex-api-20260203T050000Z.tar.gz`)
  expect(text(world, `${file}.sha256`)).toBe(
    `${sha256(world.disk.files.get(file) ?? '')}  codex-api-20260203T050000Z.tar.gz\n`,
  )
  expect(backups(world)).toEqual([...older, file].sort())
  expect(JSON.parse(text(world, manifestFiles(file)[0]))).toMatchObject({
    sha256: sha256(world.disk.files.get(file) ?? ''),
    source: { kind: 'folder', system: codexData.data?.making?.source },
    rows: null,
  })
  expect([...world.disk.files.keys()].filter((path) => path.startsWith('/srv/staging/'))).toEqual([])
})

it('says in a dry run exactly what --prune would remove, with sizes', async () => {
  const machine = fakeMachine(drive(), { book: backup, target: codexData })
  await machine.dryRun({ prune: true, keep: 2 })
  const told = JSON.stringify(machine.entries)
  for (const file of older.slice(1))
    expect(told).toContain(`${file} (${Buffer.byteLength(`an archive as of old: ${file}`)} bytes) is removed`)
  expect(told).not.toContain(`${older[0]} (${Buffer.byteLength(`an archive as of old: ${older[0]}`)} bytes)`)
})

describe('data-backup refuses before it touches anything', () => {
  it.each<[string, (world: FakeWorld) => void, RegExp]>([
    [
      'where nothing is mounted (TECH-3101)',
      ({ disk }) => disk.mounts.clear(),
      /nothing is mounted on \/mnt\/gdrive: it is a folder of \//,
    ],
    [
      'where another drive is mounted',
      ({ disk }) => disk.files.delete('/mnt/gdrive/.sentinel'),
      /wrong drive mounted on \/mnt\/gdrive .*: \/mnt\/gdrive\/\.sentinel not found/,
    ],
    [
      'where the drive does not answer',
      ({ disk }) => {
        for (const mount of disk.mounts.values()) mount.dead = true
      },
      /did not answer within 10 s/,
    ],
    [
      'where the live folder is gone',
      ({ disk }) => {
        for (const path of [...disk.files.keys(), ...disk.folders])
          if (path.startsWith('/srv/codex')) {
            disk.files.delete(path)
            disk.folders.delete(path)
          }
      },
      /\.codex-api not found/,
    ],
    [
      'where the drive is full before its first backup',
      ({ disk }) => {
        for (const path of disk.files.keys()) if (path.startsWith(kept)) disk.files.delete(path)
        for (const mount of disk.mounts.values()) mount.freeBytes = 3
      },
      /MB free/,
    ],
    [
      'where the drive is full',
      ({ disk }) => {
        for (const mount of disk.mounts.values()) mount.freeBytes = 3
      },
      /MB free/,
    ],
  ])('%s', async (_, change, words) => {
    const { result, told, untouched } = await run({ prune: true }, change)
    expect(result.code).toBe('preflight')
    expect(told + JSON.stringify(result)).toMatch(words)
    untouched()
  })

  it('asks a dead drive through the mount and in no other way', async () => {
    const { world } = await run({}, ({ disk }) => {
      for (const mount of disk.mounts.values()) mount.dead = true
    })
    expect(world.faults.reached.filter((moment) => moment.startsWith('backups.'))).toEqual([])
  })

  it('with --encrypt and no key; without --encrypt none is needed', async () => {
    const { result, untouched } = await run({ encrypt: true }, ({ environment }) => environment.clear())
    expect(result.code).toBe('preflight')
    untouched()
    expect((await run({}, ({ environment }) => environment.clear())).result.code).toBe('succeeded')
  })

  it('with --keep 0, and with a pattern that would lose what is made', async () => {
    const kept = await run({ prune: true, keep: 0 })
    expect(kept.result.outcome).toBe('refused')
    kept.untouched()
    const { result } = await run({ encrypt: true }, undefined, {
      ...codexData,
      data: {
        ...(codexData.data as Data),
        place: { ...(codexData.data as Data).place, pattern: 'codex-api-{time}.tar.gz' },
      },
    })
    expect(result.code).toBe('preflight')
  })

  it('--mount-check where the configuration names no drive, and passes where the drive is there', async () => {
    const { result, told, untouched } = await run(
      { mountCheck: true },
      undefined,
      withMaking({ mount: null }),
    )
    expect(result.outcome).toBe('refused')
    expect(told + JSON.stringify(result)).toContain('--mount-check requires a drive, and none is configured')
    untouched()
    expect((await run({}, undefined, withMaking({ mount: null }))).result.code).toBe('succeeded')
    expect((await run({ mountCheck: true })).result.code).toBe('succeeded')
  })

  it('where the configuration names no folder', async () => {
    const { making, ...data } = codexData.data as Data
    expect(making).toBeDefined()
    expect((await run({}, undefined, { ...codexData, data })).result.code).toBe('preflight')
  })
})

describe('data-backup goes back', () => {
  it.each<[string, (world: FakeWorld) => void, Target]>([
    [
      'T.16: an archive that is valid and holds nothing is no backup',
      ({ disk }) => {
        for (const path of disk.files.keys())
          if (path.startsWith('/srv/codex/.codex-api/codex')) disk.files.delete(path)
        disk.folders.delete('/srv/codex/.codex-api/codex')
      },
      codexData,
    ],
    [
      'T.16: an archive without its key file is no backup',
      ({ disk }) => disk.files.delete('/srv/codex/.codex-api/codex/config.toml'),
      codexData,
    ],
    ['an archive that is too small is no backup', () => undefined, withMaking({ minMembers: 50 })],
  ])('%s', async (_, change, target) => {
    const { world, result } = await run({ prune: true, keep: 1 }, change, target)
    expect(result.outcome).toBe('rolled-back')
    expect(result.code).toBe('verification')
    // Nothing old was pruned in favour of it.
    expect(backups(world)).toEqual([...older].sort())
  })

  it('a file that changes while it is packed is noticed, and may be allowed', async () => {
    const writing = ({ disk, faults }: FakeWorld): void => {
      expect(faults.reached).toEqual([])
      disk.beforeChange = (operation) => {
        if (operation === 'pack')
          lay(disk, '/srv/codex/.codex-api/codex/config.toml', 'model = "gpt"\n# just now\n')
      }
    }
    const { world, result } = await run({}, writing)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      code: 'verification',
      failure: {
        message: '/srv/codex/.codex-api changed while it was being archived: codex/config.toml',
      },
    })
    expect(backups(world)).toEqual([...older].sort())
    expect((await run({}, writing, withMaking({ whileChanging: 'note' }))).result.code).toBe('succeeded')
  })

  it('uses zstd where the pattern asks for it', async () => {
    const { data } = codexData
    if (data === undefined) throw new Error('the target has data')
    const place = { ...data.place, pattern: 'codex-api-{time}.tar.zst*' }
    const { world, result } = await run({}, () => undefined, { ...codexData, data: { ...data, place } })
    expect(result.code).toBe('succeeded')
    expect(made(world)).toBe(`${kept}/2026/02-03/codex-api-20260203T050000Z.tar.zst`)
  })

  it('a file that is excluded may change while the others are packed', async () => {
    const logging = ({ disk }: FakeWorld): void => {
      disk.beforeChange = (operation) => {
        if (operation === 'pack') lay(disk, '/srv/codex/.codex-api/codex/today.log', 'one more line\n')
      }
    }
    expect((await run({}, logging)).result.code).toBe('succeeded')
  })

  it('a drive that is gone in the middle is not written to in its place', async () => {
    const { world, result } = await run({}, ({ disk }) => {
      disk.beforeChange = (operation) => void (operation === 'pack' && disk.mounts.clear())
    })
    expect(result.outcome).toBe('rolled-back')
    expect(backups(world)).toEqual([...older].sort())
  })
})

it('T.21: files by year and day, or by day, and prunes what lies in either', async () => {
  for (const [layout, form] of [
    ['YYYY/MM-DD', /\/\d{4}\/\d\d-\d\d\/[^/]+$/],
    ['YYYY-MM-DD', /\/\d{4}-\d\d-\d\d\/[^/]+$/],
    ['flat', /codex-backups\/codex-api[^/]+$/],
  ] as const) {
    const { world, result } = await run({ prune: true, keep: 1 }, undefined, withMaking({ layout }))
    expect(result.code).toBe('succeeded')
    expect(backups(world)).toEqual([made(world)])
    expect(made(world)).toMatch(form)
  }
})

it('the spot restore takes what this made, encrypted or not', async () => {
  for (const encrypt of [false, true]) {
    const { world } = await run({ encrypt })
    // Another second: the run has a name of its own.
    world.clock.pass(5000)
    // The passphrase is configured, and need be there only for what is encrypted.
    if (!encrypt) world.environment.clear()
    world.programs.installed.set('true', { version: '1' })
    const bundle = archiveOf([
      { name: 'b/', kind: 'folder' },
      { name: 'b/x', kind: 'file', body: 'x' },
    ])
    const name = `bundle-${world.clock.now().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.tar.gz`
    lay(world.disk, `/releases/${name}`, bundle)
    lay(world.disk, `/releases/${name}.sha256`, `${sha256(bundle)}  ${name}\n`)
    const place = {
      directory: '/releases',
      pattern: 'bundle-{time}.tar.gz',
      maxAgeSeconds: 86_400,
      minBytes: 1,
      checksums: 'required',
    } as const
    const target: Target = {
      ...codexData,
      bundle: { place, install: ['true'], dryRun: ['true'], environment: {} },
    }
    const result = await fakeMachine(world, { book: spot, target }).run({})
    expect(result.code).toBe('succeeded')
    expect(text(world, '/artifacts/checklist.md')).toMatch(
      new RegExp(`monthly-spot-restore \\| codex \\| succeeded \\| ${made(world)}`),
    )
  }
})

describe('what may go', () => {
  const now = new Date('2026-02-03T05:00:00Z')
  const old = (day: number, more: Partial<Backup> = {}): Backup => ({
    file: `/b/${day}`,
    name: String(day),
    bytes: 100,
    takenAt: new Date(now.getTime() - day * 86_400_000).toISOString(),
    dated: 'by-name',
    ...more,
  })
  const gone = (others: readonly Backup[], keep: number): readonly string[] =>
    toPrune(others, keep, 10, now).map(({ name }) => name)

  it.each<[string, readonly Backup[], number, readonly string[]]>([
    ['nothing where there are few', [old(1), old(2)], 3, []],
    ['all beyond those kept, the new one among them', [old(1), old(2), old(3), old(4)], 3, ['3', '4']],
    ['all but the new one', [old(1), old(2)], 1, ['1', '2']],
    ['as with 1, where less is asked for', [old(1)], 0, ['1']],
    [
      'never one that is too small, and it counts for nothing',
      [old(1, { bytes: 0 }), old(2), old(3)],
      2,
      ['3'],
    ],
    ['never one of the future, and it counts for nothing', [old(-9), old(2), old(3)], 2, ['3']],
    ['never one whose name says no moment', [old(1), old(2, { dated: 'by-mtime' }), old(3)], 2, ['3']],
    ['by moment, in whatever order they come', [old(3), old(1), old(2)], 2, ['2', '3']],
  ])('%s', (_, others, keep, names) => expect(gone(others, keep)).toEqual(names))

  it('never a newer one while an older one stays, and never more than are too many: in a thousand heaps', () => {
    let seed = 7
    const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    for (let heap = 0; heap < 1000; heap += 1) {
      const others = Array.from({ length: next(12) }, (_, index) =>
        old(next(40) - 3, {
          file: `/b/${index}`,
          bytes: next(4) * 10,
          dated: next(5) === 0 ? 'by-mtime' : 'by-name',
        }),
      )
      const keep = 1 + next(6)
      const removed = new Set(toPrune(others, keep, 10, now))
      const whole = others.filter(
        ({ bytes, dated, takenAt }) =>
          bytes >= 10 && dated === 'by-name' && Date.parse(takenAt) <= now.getTime(),
      )
      const stay = whole.filter((one) => !removed.has(one))
      expect(removed.size).toBe(Math.max(0, whole.length - (keep - 1)))
      expect([...removed].every((one) => whole.includes(one))).toBe(true)
      const newestGone = Math.max(...[...removed].map(({ takenAt }) => Date.parse(takenAt)))
      expect(stay.every(({ takenAt }) => Date.parse(takenAt) >= newestGone)).toBe(true)
    }
  })

  it('the next backup is taken to be a little larger than the last; the quota tells from 80 % on', () => {
    expect(forecast([], 500)).toBe(500)
    expect(forecast([old(1), old(2, { bytes: 9000 })], 500)).toBe(111)
    const data = withMaking({ quotaBytes: 1000 }).data as Data
    expect(findings(data, { bytes: 700, newBytes: 99, freeBytes: 1e6 })).toEqual([])
    expect(findings(data, { bytes: 700, newBytes: 100, freeBytes: 1e6 })).toMatchObject([
      { level: 'warn', problem: expect.stringContaining('80 %') },
    ])
    expect(findings(data, { bytes: 0, newBytes: 100, freeBytes: 99 })).toMatchObject([{ level: 'refuse' }])
  })
})

import { describe, expect, it } from 'vitest'
import prune from '../../runbooks/prune.ts'
import { defineStep, maybe, runbook } from '../../src/index.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  archiveOf,
  dumpBytes,
  fakeServer,
  imageArchiveOf,
  lay,
  fakeMachine,
  fakeWorld,
  mountOn,
  nobody,
  fakeImage,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { forget } from '../../src/testing/disk.ts'
import { sourcesOf, type Artifact } from '../../steps/retention/lib/artifact.ts'
import { removeOld } from '../../steps/retention/remove-old.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { codexTarget, codexWorld, folder, idOf, root, runs } from './fake-codex.ts'
import { codexData, kept, older } from './fake-drive.ts'

const name = 'codex-completions-api'
const releases = `${root}/releases`
const dumps = '/backups/kept'
const { stack } = codexTarget
if (stack?.kind !== 'compose' || codexData.data === undefined)
  throw new Error('the pretended targets have changed')

const target: Target = {
  ...codexTarget,
  data: {
    ...codexData.data,
    ...(codexData.data.making === undefined ? {} : { making: { ...codexData.data.making, keep: 1 } }),
  },
  ...(codexTarget.images === undefined ? {} : { images: { ...codexTarget.images, keep: 1 } }),
  release: {
    source: root,
    name,
    directory: releases,
    environment: 'prod',
    exclude: [],
    keep: 1,
    inUse: [`${releases}/deployed.path`],
  },
  database: {
    engine: 'postgres',
    name: 'shop',
    user: 'app',
    via: { kind: 'compose', stack, service: 'db' },
    confirmPhrase: 'x',
    fingerprint: 'rows-and-digest',
  },
  retention: { dumps, keepOldSeconds: 7 * 86_400, dumpOld: true },
}

const days = [1, 2, 3]
/** One in a folder of two levels, two in folders of one. */
const old = older.slice(0, 2)
const imageOf = (day: number): string => idOf(String(day + 2))
const stem = (day: number): string => `${name}-v1.0.${day}-2026-01-0${day}T000000Z`
const aside = (day: number): string => `shop__old_2026010${day}_000000_k7f2q`
const dump = (day: number): string => `${dumps}/shop-replaced-2026010${day}-000000-k7f2q.dump`
const tag = (day: number): string => `${name}:prod-2026010${day}-000000Z`
const tar = (day: number): string => `${folder}/${name}-prod-2026010${day}-000000Z.tar`

/** Everything that grows old, of some of the first days of January; it is February. */
function grown(of: readonly number[] = days): FakeWorld {
  const { disk, images, fleet } = codexWorld()
  mountOn(disk, '/mnt/gdrive')
  lay(disk, '/mnt/gdrive/.sentinel', 'this is the drive\n')
  for (const path of old) {
    lay(disk, path, `an archive: ${path}`)
    lay(
      disk,
      `${path}.sha256`,
      `${sha256(`an archive: ${path}`)}  ${path.slice(path.lastIndexOf('/') + 1)}\n`,
    )
  }
  const sums: string[] = []
  const tables = { orders: [{ id: 1 }] }
  for (const day of of) {
    const body = archiveOf([
      { name: './', kind: 'folder' },
      { name: './package.json', kind: 'file', body: String(day) },
    ])
    lay(disk, `${releases}/${stem(day)}.tar.gz`, body)
    lay(
      disk,
      `${releases}/${stem(day)}.lock.json`,
      JSON.stringify({
        version: `v1.0.${day}`,
        tarball: `${stem(day)}.tar.gz`,
        tarball_sha256: sha256(body),
      }),
    )
    sums.push(`${sha256(body)}  ${stem(day)}.tar.gz\n`)
    lay(disk, tar(day), imageArchiveOf([{ id: imageOf(day), ...fakeImage(tag(day)) }]))
    if (day !== 2)
      lay(
        disk,
        dump(day),
        dumpBytes({
          engine: 'postgres',
          major: 17,
          database: 'shop',
          takenAt: '2026-01-01T00:00:00Z',
          tables,
          roles: ['app'],
          extensions: [],
        }),
      )
  }
  lay(disk, `${releases}/SHA256SUMS`, sums.join(''))
  lay(disk, `${releases}/deployed.path`, `releases/${stem(2)}.tar.gz\n`)
  for (const day of of) images.images.set(imageOf(day), fakeImage(tag(day)))
  runs({ fleet }, 'app', imageOf(2))
  const server = fakeServer(
    Object.fromEntries(['shop', 'shop_of_somebody', ...of.map(aside)].map((one) => [one, tables])),
  )
  server.sessions.set(aside(2), [{ id: '1', application: 'psql', user: 'app' }])
  return fakeWorld({
    disk,
    images,
    fleet,
    server,
    person: { ...nobody, name: 'somebody', confirm: 'prune codex' },
  })
}

const there = ({ disk, images, server }: FakeWorld) => ({
  bundles: days.filter(
    (day) =>
      disk.files.has(`${releases}/${stem(day)}.tar.gz`) &&
      disk.files.has(`${releases}/${stem(day)}.lock.json`),
  ),
  halves: days.filter(
    (day) =>
      disk.files.has(`${releases}/${stem(day)}.tar.gz`) !==
      disk.files.has(`${releases}/${stem(day)}.lock.json`),
  ),
  backups: old.filter((path) => disk.files.has(path) && disk.files.has(`${path}.sha256`)).length,
  tars: days.filter((day) => disk.files.has(tar(day))),
  tags: [...images.images.values()]
    .flatMap(({ tags }) => tags)
    .filter((one) => one.includes('-2026'))
    .sort(),
  databases: [...server.databases.keys()],
  dumps: days.filter((day) => disk.files.has(dump(day))),
})

const { images } = target
const chosenEarlier = defineStep<{}, { readonly folders: readonly Artifact[] }>({
  kind: 'test.chosen-earlier',
  version: 1,
  effect: 'observe',
  describe: () => 'Chooses without folders.',
  run: async () => ({}) as { readonly folders: readonly Artifact[] },
})

provesItself({
  name: 'prune',
  book: prune,
  target: {
    ...target,
    ...(images === undefined ? {} : { images: { ...images, environments: images.environments.slice(0, 1) } }),
  },
  params: {},
  world: () => grown([1, 3]),
  records: ['/artifacts/checklist.md'],
  succeeded: (world) => {
    expect(there(world)).toEqual({
      bundles: [3],
      halves: [],
      backups: 1,
      tars: [3],
      tags: [tag(3)],
      databases: ['shop', 'shop_of_somebody', aside(3)],
      dumps: [3],
    })
    expect([...world.images.images.keys()].sort()).toEqual([idOf('1'), idOf('2'), imageOf(3)])
    expect(
      Buffer.from(world.disk.files.get(`${releases}/SHA256SUMS`) ?? [])
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.slice(66)),
    ).toEqual([`${stem(3)}.tar.gz`])
  },
})

function mounting({ containers }: FakeWorld, source: string, since?: string): void {
  containers.containers.set('sidecar', {
    image: 'backup:1',
    imageId: 'sha256:5',
    state: since === undefined ? 'stopped' : 'running',
    exitCode: null,
    log: '',
    madeBy: null,
    server: null,
    mounts: [source],
    ...(since === undefined ? {} : { since }),
  })
}

describe('prune', () => {
  const run = async (
    params: { readonly what?: string; readonly keep?: number },
    change: (world: FakeWorld) => void = () => undefined,
    of: Target = target,
  ) => {
    const world = grown()
    change(world)
    const before = world.state()
    const machine = fakeMachine(world, { book: prune, target: of })
    const result = await machine.run(params)
    return {
      world,
      machine,
      result,
      told: JSON.stringify(machine.entries),
      untouched: () => expect(world.state()).toEqual(before),
    }
  }

  it('lists in a dry run exactly what would go, with sizes', async () => {
    const machine = fakeMachine(grown(), { book: prune, target })
    expect(await machine.dryRun({})).toMatchObject({ outcome: 'foretold' })
    const changes = machine.entries.flatMap(({ entry }) =>
      entry.type === 'foretold'
        ? ((entry.prediction as { readonly changes?: readonly string[] }).changes ?? [])
        : [],
    )
    const gone = changes
      .filter((change) => change.endsWith(' is removed'))
      .map((change) => /^(?:the (?:database|image|image name) )?(\S+)/.exec(change)?.[1])
    expect(gone.sort()).toEqual(
      [
        `${releases}/${stem(1)}.tar.gz`,
        `${releases}/${stem(1)}.lock.json`,
        `${old[1]}.sha256`,
        old[1],
        tag(1),
        tar(1),
        aside(1),
        dump(1),
      ].sort(),
    )
    expect(
      changes
        .filter((change) => change.startsWith('/') && change.endsWith(' is removed'))
        .every((change) => /\(\d+ bytes\) is removed$/.test(change)),
    ).toBe(true)
  })

  it.each<[string, number | undefined, Partial<ReturnType<typeof there>>]>([
    ['bundles', 2, { bundles: [2, 3] }],
    ['backups', 1, { backups: 1 }],
    ['images', undefined, { tars: [2, 3], tags: [tag(2), tag(3)] }],
    ['databases', 1, { databases: ['shop', 'shop_of_somebody', aside(2), aside(3)], dumps: [3] }],
  ])('removes %s alone where only they are asked for, and keeps %s', async (what, keep, after) => {
    const { world, result } = await run({ what, ...(keep === undefined ? {} : { keep }) })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(there(world)).toEqual({ ...there(grown()), ...after })
  })

  it('removes copies of configuration files, each kind of them but the newest, and none that no run made', async () => {
    const file = '/srv/app/.env'
    const copy = (day: number): string => `${file}.before-2026010${day}-000000-k7f2q`
    const [kept, other] = [`${dumps}/.env-20260102-000000-k7f2q`, `${file}.before-the-move`]
    const configured: Target = {
      ...target,
      configuration: { file, services: { stack, names: ['app'] }, confirm: [] },
    }
    const { world, result } = await run(
      { what: 'copies', keep: 1 },
      ({ disk }) => {
        for (const path of [copy(1), copy(2), `${copy(3)}-2`, kept, other]) lay(disk, path, 'PASSWORD=x')
      },
      configured,
    )
    expect(result).toMatchObject({ outcome: 'succeeded' })
    const left = [...world.disk.files.keys()].filter((path) => path.includes('.env'))
    expect(left.toSorted()).toEqual([`${copy(3)}-2`, kept, other].toSorted())
    expect(there(world)).toEqual(there(grown()))
  })

  describe('folders that drills kept', () => {
    const live = '/srv/app/data'
    const staging = '/srv/staging'
    const { data } = target
    const drilled: Target = {
      ...target,
      ...(data?.making === undefined ? {} : { data: { ...data, making: { ...data.making, source: live } } }),
      drill: { services: { stack, names: ['app'] }, into: root, keep: [], smoke: ['true'], environment: {} },
      staging,
    }
    const of = (start: string, day: number): string => `${start}2026010${day}-000000-k7f2q`
    const starts = [`${live}.drill-`, `${live}.kept-`, `${root}/.replaced-`, `${root}/.kept-`]
    const lays = ({ disk }: FakeWorld): void => {
      lay(disk, `${live}/today`, 'live')
      for (const start of starts)
        for (const day of days) lay(disk, `${of(start, day)}/deep/file`, `of ${day}`)
      lay(disk, `${live}.drill-by-hand/file`, 'made by a person')
      lay(disk, of(`${live}.kept-`, 4), 'a file of that name')
    }
    const left = ({ disk }: FakeWorld): readonly string[] => [
      ...new Set(
        [...disk.files.keys()]
          .filter((path) => /\.(?:drill|kept|replaced)-/.test(path))
          .map((path) => path.replace('/deep/file', '')),
      ),
    ]
    const notOfRuns = [`${live}.drill-by-hand/file`, of(`${live}.kept-`, 4)]

    it('go, except the newest of each place, and what no run left', async () => {
      const { world, result, told } = await run({ what: 'folders' }, lays, drilled)
      expect(result).toMatchObject({ outcome: 'succeeded' })
      expect(left(world).toSorted()).toEqual(
        [...starts.map((start) => of(start, 3)), ...notOfRuns].toSorted(),
      )
      expect(there(world)).toEqual(there(grown()))
      for (const start of starts) expect(told).toContain(`${of(start, 1)} (4 bytes)`)
      expect(world.disk.files.has(`${live}/today`)).toBe(true)
    })

    it.each<[string, (world: FakeWorld) => void, Partial<Target>, readonly number[]]>([
      [
        'where their run still has its staging folder',
        ({ disk }) => void disk.folders.add(of(`${staging}/`, 1)),
        {},
        [1, 3],
      ],
      [
        'that is mounted in another place',
        ({ disk }) => void mountOn(disk, '/mnt/old', { source: `${of(`${live}.drill-`, 1)}/deep` }),
        {},
        [1, 3],
      ],
      [
        'where what is mounted in another place is unknown',
        ({ faults }) => void faults.orderFrom('files.shownAt', 'fail'),
        {},
        days,
      ],
      ['where the live data is missing', ({ disk }) => void disk.files.delete(`${live}/today`), {}, days],
      [
        'that a container mounts through a link',
        (world) => {
          world.disk.links.set('/srv/short', '/srv/app')
          mounting(world, `${of('/srv/short/data.drill-', 1)}/deep`)
        },
        {},
        [1, 3],
      ],
      [
        'that a container has mounted through a link since before they were moved',
        (world) => {
          world.disk.links.set('/srv/short', '/srv/app')
          mounting(world, '/srv/short/data', '2026-01-01T12:00:00.000Z')
        },
        {},
        [2, 3],
      ],
      [
        'where a mount leads does not answer',
        (world) => {
          mountOn(world.disk, '/mnt/dead', { dead: true })
          mounting(world, '/mnt/dead/x')
        },
        {},
        days,
      ],
      ['that a container mounts', (world) => mounting(world, `${of(`${live}.drill-`, 1)}/deep`), {}, [1, 3]],
      [
        'that a container has mounted since before they were moved',
        (world) => mounting(world, live, '2026-01-01T12:00:00.000Z'),
        {},
        [2, 3],
      ],
      [
        'where whether a container mounts them is unknown',
        ({ faults }) => void faults.orderFrom('containers.mounts', 'fail'),
        {},
        days,
      ],
      [
        'that are not old enough',
        () => undefined,
        { retention: { dumps, keepOldSeconds: 3600 * 86_400, dumpOld: true } },
        days,
      ],
    ])('stay %s', async (_, change, other, stay) => {
      const { world, result } = await run(
        { what: 'folders' },
        (each) => {
          lays(each)
          change(each)
          if (!each.disk.files.has(`${live}/today`)) each.disk.folders.delete(live)
        },
        { ...drilled, ...other },
      )
      expect(result).toMatchObject({ outcome: 'succeeded' })
      expect(days.filter((day) => left(world).includes(of(`${live}.drill-`, day)))).toEqual(stay)
    })

    it('are named, and stay, where no retention is configured', async () => {
      const { retention: _, ...without } = drilled
      const { world, machine, result } = await run({ what: 'folders' }, lays, without)
      expect(result).toMatchObject({ outcome: 'succeeded' })
      expect(left(world)).toHaveLength(starts.length * days.length + notOfRuns.length)
      const logs = [...machine.evidence.folders.values()].flatMap((files) => [...files])
      const log = Buffer.from(
        logs.find(([name]) => name === 'logs/01-choose-what-may-go.log')?.[1] ?? [],
      ).toString()
      expect(log).toContain(`${of(`${live}.drill-`, 1)} stays: no retention is configured`)
    })

    it('stay where an earlier version chose, whose choice does not name them', async () => {
      const world = grown()
      lays(world)
      const book = runbook(
        'earlier',
        { title: 'Earlier', when: 'It chose before folders were known.', needs: [], params: {} },
        ({ target: of, step, pointOfNoReturn }) => {
          const chosen = step('Choose', chosenEarlier({}), { id: 'choose' })
          pointOfNoReturn('They are removed.')
          step(
            'Remove',
            removeOld({ from: sourcesOf(of, 'folders'), kind: 'folders', chosen: maybe(chosen.folders) }),
            { id: 'remove' },
          )
        },
      )
      expect(await fakeMachine(world, { book, target: drilled }).run({})).toMatchObject({
        outcome: 'succeeded',
      })
      expect(left(world)).toHaveLength(starts.length * days.length + notOfRuns.length)
    })

    it('half removed by a run that was killed, go when it is resumed', async () => {
      const world = grown()
      lays(world)
      const machine = fakeMachine(world, { book: prune, target: drilled })
      const { beforeChange } = world.disk
      const first = of(`${live}.drill-`, 1)
      lay(world.disk, `${first}/other`, 'x')
      let killed = false
      world.disk.beforeChange = (what, path) => {
        beforeChange(what, path)
        if (killed || what !== 'remove' || path !== first) return
        killed = true
        world.disk.files.delete(`${first}/other`)
        world.faults.killAfter(1).pass('half-way through the folder')
      }
      await expect(machine.run({ what: 'folders' })).rejects.toMatchObject({ name: 'Killed' })
      expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
      expect(days.filter((day) => left(world).includes(of(`${live}.drill-`, day)))).toEqual([3])
    })
  })

  it('T.23: a bundle goes with its lock file; the newest that is whole stays, though newer ones are damaged', async () => {
    const { world, result, told } = await run({ what: 'bundles' }, ({ disk }) => {
      lay(disk, `${releases}/${stem(3)}.tar.gz`, 'cut off')
      disk.files.delete(`${releases}/deployed.path`)
    })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(there(world)).toMatchObject({ bundles: [2, 3], halves: [] })
    expect(told).toContain(stem(1))
  })

  it('T.21: finds backups in folders of dates of one and of two levels', async () => {
    const fill = ({ disk }: FakeWorld): void => {
      for (const path of older) lay(disk, path, `an archive: ${path}`)
      for (const path of older)
        lay(
          disk,
          `${path}.sha256`,
          `${sha256(`an archive: ${path}`)}  ${path.slice(path.lastIndexOf('/') + 1)}\n`,
        )
    }
    // As `find -maxdepth 2` from the top sees them: a backup two folders deep is never found, and never pruned.
    expect(older.filter((path) => path.slice(kept.length + 1).split('/').length <= 2)).toHaveLength(2)
    const { world } = await run({ what: 'backups', keep: 1 }, fill)
    expect(older.filter((path) => world.disk.files.has(path))).toEqual([older[0]])
  })

  it('removes nothing of a kind of which nothing is whole, and says so', async () => {
    const { world, result, told } = await run({ what: 'backups', keep: 1 }, ({ disk }) => {
      for (const path of old) lay(disk, path, 'exchanged, though long enough')
    })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(there(world)).toEqual(there(grown()))
    expect(told).toContain('nothing is too old')
  })

  it('leaves a dump whose label it does not know, however old, and says so', async () => {
    const mine = `${dumps}/shop-mine-20260101-000000-k7f2q.dump`
    const { world, result, machine } = await run({ what: 'dumps' }, ({ disk }) => lay(disk, mine, 'x'))
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(world.disk.files.has(mine)).toBe(true)
    const logs = [...machine.evidence.folders.values()].flatMap((files) => [...files])
    const log = logs.find(([name]) => name === 'logs/01-choose-what-may-go.log')?.[1] ?? []
    expect(Buffer.from(log).toString()).toContain(
      `${mine} stays: no run creates a dump of shop with the label "mine"`,
    )
  })

  it('takes only the name from an image that has another, and only the tar where the image is gone', async () => {
    const { world, result } = await run({ what: 'images' }, ({ images }) => {
      images.images.set(imageOf(1), fakeImage(tag(1), `${name}:by-hand`))
      images.images.delete(imageOf(3))
    })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(world.images.images.get(imageOf(1))?.tags).toEqual([`${name}:by-hand`])
    expect(there(world).tars).toEqual([2, 3])
  })

  it('counts a snapshot once whose tar is named by another time than its tag, as the history says', async () => {
    const named = (day: number): string => `${folder}/${name}-prod-2026-01-0${day}T00-00-03Z.tar`
    const { world, result } = await run({ what: 'images' }, ({ disk }) => {
      const lines = days.map((day) => {
        lay(disk, named(day), disk.files.get(tar(day)) ?? '')
        disk.files.delete(tar(day))
        return JSON.stringify({
          ts: `2026-01-0${day}T00-00-03Z`,
          env: 'prod',
          image_id: imageOf(day),
          archival_tag: tag(day),
        })
      })
      lay(disk, `${folder}/codex-image-history.jsonl`, `${lines.join('\n')}\n`)
    })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(there(world).tags).toEqual([tag(2), tag(3)])
    expect(days.filter((day) => world.disk.files.has(named(day)))).toEqual([2, 3])
  })

  it('an image that is used keeps the newest of its snapshots alone, and one that goes is counted once', async () => {
    const { world, told } = await run({ what: 'images' }, ({ images, fleet }) => {
      images.images.clear()
      images.images.set(imageOf(1), fakeImage(tag(1), tag(2)))
      images.images.set(imageOf(3), fakeImage(tag(3)))
      runs({ fleet }, 'app', imageOf(1))
    })
    expect(there(world)).toMatchObject({ tars: [2, 3], tags: [tag(2), tag(3)] })
    expect(told).toContain(`the image name ${tag(1)}`)
    const idle = await run({ what: 'images' }, ({ images, fleet }) => {
      images.images.clear()
      images.images.set(imageOf(1), fakeImage(tag(1), tag(2)))
      images.images.set(imageOf(3), fakeImage(tag(3)))
      runs({ fleet }, 'app', imageOf(3))
    })
    expect([...idle.world.images.images.keys()]).toEqual([imageOf(3)])
    expect(idle.told.match(/the image \S+ \(1000 bytes\)/g)?.every((one) => one.includes(tag(1)))).toBe(true)
  })

  it.each<[string, (world: FakeWorld) => void]>([
    ['a pointer names', ({ disk }) => lay(disk, `${folder}/codex-latest-prod.tag`, tag(1))],
    [
      'a pointer names by its tar, as another machine wrote it',
      ({ disk }) => lay(disk, `${folder}/codex-latest-prod.tarpath`, `/home/other${tar(1)}`),
    ],
    [
      'the newest lock names',
      ({ disk }) => {
        lay(disk, `${releases}/stack-images.latest.path`, 'releases/stack-images-2026-01-01.lock.json')
        lay(
          disk,
          `${releases}/stack-images-2026-01-01.lock.json`,
          JSON.stringify({ images: [{ env: 'prod', image_id: imageOf(1), archival_tag: tag(1) }] }),
        )
      },
    ],
    [
      'has the canonical name',
      ({ images }) => {
        images.images.set(imageOf(1), fakeImage(tag(1), `${name}:latest`))
        images.images.delete(idOf('1'))
      },
    ],
  ])('keeps an image that %s', async (_, change) => {
    const { world, result } = await run({ what: 'images' }, change)
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(there(world)).toMatchObject({ tars: days, tags: days.map(tag) })
  })

  it('asks nobody where nothing is too old', async () => {
    const { result, told } = await run({ keep: 9 }, (world) =>
      Object.assign(world.person, { confirm: 'prune codex' }),
    )
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(told).toContain('nothing is too old')
    expect(told).not.toContain('"how":"flag"')
  })

  it.each<[string, (world: FakeWorld) => void, ReturnType<typeof there>['bundles'], RegExp]>([
    [
      'that is mounted',
      (world) => mounting(world, `${releases}/${stem(1)}.tar.gz`),
      days,
      /container sidecar mounts/,
    ],
    [
      'of which that is unknown, since runs alone use it',
      ({ faults }) => void faults.orderFrom('containers.mounts', 'fail'),
      [2, 3],
      /whether a container mounts any of the bundles is unknown/,
    ],
  ])('leaves a bundle %s', async (_, change, stay, why) => {
    const world = grown()
    change(world)
    const machine = fakeMachine(world, { book: prune, target })
    expect(await machine.run({ what: 'bundles' })).toMatchObject({ outcome: 'succeeded' })
    expect(there(world).bundles).toEqual(stay)
    const logs = [...machine.evidence.folders.values()].flatMap((each) => [...each])
    expect(logs.map(([, body]) => Buffer.from(body).toString()).join('\n')).toMatch(why)
  })

  it('spares what comes into use while the operator thinks', async () => {
    const world = grown()
    const machine = fakeMachine(world, { book: prune, target })
    // The pointer comes as soon as the question was answered.
    const before = machine.journal.afterAppend
    machine.journal.afterAppend = (stored) => {
      before(stored)
      if (stored.entry.type === 'ended' && stored.entry.step === 'ask-the-operator')
        lay(world.disk, `${releases}/deployed.path`, `${stem(1)}\n`)
    }
    expect(await machine.run({ what: 'bundles' })).toMatchObject({ outcome: 'succeeded' })
    // Nor does the one that is free now go: it was not chosen.
    expect(there(world).bundles).toEqual(days)
  })

  const another = (world: FakeWorld, path: string): void => {
    const body = world.disk.files.get(path) ?? ''
    forget(world.disk, path)
    lay(world.disk, path, body)
  }
  it.each<[string, string, string, (world: FakeWorld) => void, Partial<ReturnType<typeof there>>]>([
    [
      'a database',
      'databases',
      'drop-old-databases',
      ({ server }) =>
        void server.databases.set(aside(1), { tables: {}, generation: 'another', owner: 'app' }),
      { databases: ['shop', 'shop_of_somebody', aside(1), aside(2), aside(3)] },
    ],
    ['a dump', 'databases', 'remove-old-dumps', (world) => another(world, dump(1)), { dumps: [1, 3] }],
    [
      'a bundle',
      'bundles',
      'remove-old-bundles',
      (world) => another(world, `${releases}/${stem(1)}.tar.gz`),
      { bundles: days },
    ],
    [
      'a bundle, written in its place,',
      'bundles',
      'remove-old-bundles',
      ({ disk }) => void disk.modifiedAt.set(`${releases}/${stem(1)}.lock.json`, new Date('2026-02-01')),
      { bundles: days },
    ],
    [
      'a backup',
      'backups',
      'remove-old-data-backups',
      (world) => another(world, old[1] ?? ''),
      { backups: 2 },
    ],
    [
      'a tar',
      'images',
      'remove-old-image-snapshots',
      (world) => another(world, tar(1)),
      { tars: days, tags: days.map(tag) },
    ],
    [
      'an image',
      'images',
      'remove-old-image-snapshots',
      ({ images }) => {
        images.images.set(imageOf(1), fakeImage())
        images.images.set(idOf('9'), fakeImage(tag(1)))
      },
      { tars: days, tags: days.map(tag) },
    ],
  ])(
    'leaves what has taken the place of %s while the operator thinks, and names it',
    async (_, what, step, replace, stay) => {
      for (const moment of ['ended ask-the-operator', `intent ${step}`]) {
        const world = grown()
        const machine = fakeMachine(world, { book: prune, target })
        const before = machine.journal.afterAppend
        let replaced = false
        machine.journal.afterAppend = (stored) => {
          before(stored)
          const { entry } = stored
          if (replaced || !('step' in entry) || `${entry.type} ${entry.step}` !== moment) return
          replaced = true
          replace(world)
        }
        expect(await machine.run({ what, keep: 1 })).toMatchObject({ outcome: 'succeeded' })
        expect(there(world), moment).toMatchObject(stay)
        const logs = [...machine.evidence.folders.values()].flatMap((each) => [...each])
        expect(logs.map(([, body]) => Buffer.from(body).toString()).join('\n')).toMatch(
          /stays: (?:it has changed since it was chosen|.* is not the one that was chosen)/,
        )
      }
    },
  )

  it.each<[string, Parameters<typeof run>[0], (world: FakeWorld) => void, RegExp]>([
    ['keeping none', { keep: 0 }, () => undefined, /cannot keep 0 of each/],
    [
      'without consent',
      {},
      (world) => Object.assign(world.person, { confirm: 'yes' }),
      /no terminal to ask for \W+prune codex\W+, and no matching --confirm/,
    ],
    [
      'where the drive is not mounted',
      { what: 'backups' },
      ({ disk }) => disk.mounts.clear(),
      /nothing is mounted on/,
    ],
    [
      'where the newest lock cannot be read',
      { what: 'images' },
      ({ disk }) => {
        lay(disk, `${releases}/stack-images.latest.path`, 'releases/x.json')
        lay(disk, `${releases}/x.json`, '{"prod"')
      },
      /not a JSON object/,
    ],
  ])('refuses %s, and touches nothing', async (_, params, change, why) => {
    const { result, told, untouched } = await run(params, change)
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(told + JSON.stringify(result)).toMatch(why)
    untouched()
  })

  it.each(['dryRun', 'run'] as const)('asks for its rights before it removes anything: %s', async (how) => {
    const world = grown([1, 3])
    world.disk.denied.add(releases)
    world.server.missingRights.push({
      lacks: 'the rights of app, who owns database shop',
      certain: true,
      cures: ['GRANT app TO me'],
      of: ['drop copies'],
    })
    const before = world.state()
    const result = await fakeMachine(world, { book: prune, target })[how]({})
    expect(result.code).toBe('preflight')
    expect(result.findings.filter(({ level }) => level === 'refuse')).toEqual([
      {
        level: 'refuse',
        about: releases,
        problem: `this account cannot change what is in ${releases}: it lacks the right to create and remove files in ${releases} (owner 0)`,
        hint: `permit it: setfacl -m u:1000:rwx ${releases}`,
      },
      expect.objectContaining({ hint: 'permit it as a superuser: GRANT app TO me' }),
    ])
    expect(world.state()).toEqual(before)
  })

  it('needs no right to remove where nothing is too old', async () => {
    const world = grown([3])
    world.disk.denied.add(releases)
    expect(await fakeMachine(world, { book: prune, target }).dryRun({})).toMatchObject({ code: 'succeeded' })
  })

  it('refuses a target that has no such thing', async () => {
    const { release: _, ...without } = target
    const { result, told } = await run({ what: 'bundles' }, () => undefined, without)
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(told).toContain('no bundles to prune in the target')
  })
})

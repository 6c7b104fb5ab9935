import { describe, expect, it } from 'vitest'
import drill from '../../runbooks/quarterly-full-drill.ts'
import { isJson, sha256, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { acts } from '../../src/model/step.ts'
import {
  emptyDisk,
  emptyStore,
  fakeImage,
  fakeMachine,
  fakeWorld,
  imageArchiveOf,
  lay,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { exportRows } from '../../steps/databases/export-rows.ts'
import { recoverRows } from '../../steps/databases/recover-rows.ts'
import { restoreInPlace } from '../../steps/databases/restore-in-place.ts'
import { putFileBack } from '../../steps/documents/put-file-back.ts'
import { loadImages } from '../../steps/images/load-images.ts'
import { saveImages } from '../../steps/images/save-images.ts'
import { writePointers } from '../../steps/images/write-pointers.ts'
import { recordRelease } from '../../steps/releases/record-release.ts'
import { switchFolder } from '../../steps/releases/switch-folder.ts'
import { tagReleaseImage } from '../../steps/releases/tag-release-image.ts'
import { writeReleaseUrl } from '../../steps/releases/write-release-url.ts'
import { codexDrill, drilled, live } from './fake-drill.ts'
import { codexTarget, codexWorld, idOf } from './fake-codex.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'

const database = shop.database!
const released = { sources: { sha: 'a'.repeat(40), version: 'v2' } as never, keep: null, prune: false }

type Case = {
  readonly name: string
  readonly world: () => FakeWorld
  readonly call: (world: FakeWorld) => Promise<unknown> | unknown
  readonly meddle: (world: FakeWorld) => void
  readonly doubt: RegExp
  /** Nothing is lost by going on. */
  readonly fine?: (world: FakeWorld) => void
}

const onDisk =
  (files: { readonly [path: string]: string }, given?: ReturnType<typeof emptyStore>) => (): FakeWorld => {
    const images = given ?? emptyStore()
    const disk = emptyDisk()
    for (const [path, body] of Object.entries(files)) lay(disk, path, body)
    return fakeWorld({ disk, images })
  }

const tagged = (): FakeWorld => {
  const images = emptyStore()
  images.images.set('sha256:1', fakeImage('api:latest'))
  images.images.set('sha256:2', fakeImage('other:latest'))
  return onDisk({}, images)()
}

const retag = (world: FakeWorld, id: string, tag: string): void => {
  const image = world.images.images.get(id)!
  world.images.images.set(id, { ...image, tags: [...image.tags, tag] })
}
const untag = (world: FakeWorld, tag: string): void => {
  for (const image of world.images.images.values()) image.tags = image.tags.filter((one) => one !== tag)
}

const captured = {
  stamp: '20260203-050000Z',
  takenAt: '2026-02-03T05:00:00.000Z',
  head: null,
  lock: '/srv/codex/releases/lock.json',
  absent: [],
  names: [],
  images: [
    {
      env: 'prod',
      composeFile: 'docker-compose.yml',
      service: 'app',
      canonical: 'codex-completions-api:latest',
      imageId: idOf('1'),
      bytes: 1000,
      from: 'container',
      tag: 'codex-completions-api:latest',
      tar: '/backups/images/one.tar',
    },
  ],
} as const

const loaded = 'sha256:9'
const wanted = {
  images: [
    { environment: codexTarget.images!.environments[0]!, imageId: loaded, tar: '/one.tar', from: 'tar' },
  ],
  names: [],
  health: [],
  told: '',
}

const cases: readonly Case[] = [
  {
    name: 'writePointers',
    world: codexWorld,
    call: () => writePointers({ images: codexTarget.images!, captured, saved: null }),
    meddle: ({ disk }) => lay(disk, '/srv/codex/releases/lock.json', 'of another'),
    doubt: /^\/srv\/codex\/releases\/lock\.json was changed from outside/,
  },
  {
    name: 'saveImages',
    world: codexWorld,
    call: () => saveImages({ captured, folder: '/backups/images' }),
    meddle: ({ disk }) =>
      lay(disk, '/backups/images/one.tar', imageArchiveOf([{ id: idOf('7'), ...fakeImage('x:1') }])),
    doubt: /one\.tar contains no image/,
    fine: ({ disk }) => lay(disk, '/backups/images/one.tar', 'cut off'),
  },
  {
    name: 'loadImages, of a name that was moved',
    world: onDisk({ '/one.tar': '' }),
    call: ({ disk }) => {
      disk.files.set('/one.tar', imageArchiveOf([{ id: loaded, ...fakeImage('api:1') }]))
      return loadImages({ wanted })
    },
    meddle: (world) => {
      untag(world, 'api:1')
      world.images.images.set('sha256:5', fakeImage('api:1'))
    },
    doubt: /^api:1 points at sha256:5/,
  },
  {
    name: 'loadImages, of an image that somebody else uses by another name',
    world: onDisk({ '/one.tar': '' }),
    call: ({ disk }) => {
      disk.files.set('/one.tar', imageArchiveOf([{ id: loaded, ...fakeImage('docker.io/library/api:1') }]))
      return loadImages({ wanted })
    },
    meddle: (world) => retag(world, loaded, 'mine:1'),
    doubt: /^sha256:9 is also called mine:1/,
    fine: (world) => {
      untag(world, 'docker.io/library/api:1')
      retag(world, loaded, 'docker.io/library/api:1')
    },
  },
  {
    name: 'tagReleaseImage',
    world: tagged,
    call: () => tagReleaseImage({ image: 'api:latest', sources: released.sources }),
    meddle: (world) => {
      untag(world, 'api:v2')
      retag(world, 'sha256:2', 'api:v2')
    },
    doubt: /^api:v2 points at sha256:2/,
  },
  {
    name: 'writeReleaseUrl',
    world: onDisk({ '/r/lock.json': '{"release_url": null}' }),
    call: () =>
      writeReleaseUrl({
        lock: '/r/lock.json',
        draft: { id: 1, tag: 'v2', url: 'https://x.example/v2', published: false },
      }),
    meddle: ({ disk }) => lay(disk, '/r/lock.json', '{}'),
    doubt: /^\/r\/lock\.json was changed from outside/,
  },
  {
    name: 'recordRelease',
    world: onDisk({ '/r/SHA256SUMS': '' }),
    call: () =>
      recordRelease({
        ...released,
        release: {
          source: '/s',
          name: 'api',
          directory: '/r',
          environment: 'prod',
          exclude: [],
          keep: 2,
          inUse: [],
        },
        bundle: {
          stem: 'api-v2',
          createdAt: '2026-02-03T05:00:00Z',
          name: 'api-v2.tar.gz',
          file: '/r/api-v2.tar.gz',
          sha256: 'b'.repeat(64),
          bytes: 1,
          members: 1,
        },
        dockerTag: null,
      }),
    meddle: ({ disk }) => lay(disk, '/r/api-v2.lock.json', 'of another'),
    doubt: /^\/r\/api-v2\.lock\.json was replaced from outside/,
    fine: ({ disk }) => void disk.files.delete('/r/api-v2.lock.json'),
  },
  {
    name: 'switchFolder',
    world: () => {
      const world = onDisk({ '/srv/releases/1/x': '', '/srv/releases/2/x': '' })()
      world.disk.links.set('/srv/current', 'releases/1')
      return world
    },
    call: () =>
      switchFolder({
        folders: { link: '/srv/current', directory: '/srv/releases' } as never,
        release: { name: '2' } as never,
      }),
    meddle: ({ disk }) => void disk.links.set('/srv/current', 'releases/3'),
    doubt: /^\/srv\/current points at releases\/3/,
  },
  {
    name: 'putFileBack',
    world: onDisk({ '/docs/a.pdf': 'damaged', '/staging/a.pdf': 'good' }),
    call: () => {
      const present = {
        sha256: sha256('damaged'),
        bytes: 7,
        uid: 0,
        gid: 0,
        mode: 0o600,
      }
      return putFileBack({
        at: { inside: null, path: '/docs' },
        found: { file: '/staging/a.pdf', relative: 'a.pdf', bytes: 4, sha256: sha256('good') },
        compared: { path: '/docs/a.pdf', present },
        staging: { folder: '/staging' },
        ownership: { uid: 0, gid: 0, mode: 0o600 },
      })
    },
    meddle: ({ disk }) => lay(disk, '/docs/a.pdf', 'of another'),
    doubt: /^\/docs\/a\.pdf was changed from outside/,
    fine: ({ disk }) => void disk.files.delete('/docs/a.pdf'),
  },
  {
    name: 'restoreInPlace',
    world: damagedShop,
    call: async (world) => {
      const { io, look } = handsOn(world)
      await io.services.stop(shop.writers!, 1)
      const fallback = await io.databases.dump(database, 'shop', '/backups/kept/fallback.dump')
      return restoreInPlace({
        database,
        archive: {
          ...(await look.databases.inspect(database, '/backups/db/shop-20260203_040000.dump')),
          format: 'custom',
        },
        fallback: { ...fallback, dumpedFrom: 'shop' },
        writers: { names: [], stoppedAt: '2026-02-03T05:00:00Z' },
      })
    },
    meddle: ({ server }) =>
      void server.databases.set('shop', { tables: { orders: [] }, generation: 'of another', owner: 'app' }),
    doubt: /^the database shop is not the one that this run put there/,
    fine: ({ server }) => void (server.databases.get('shop')!.tables = { orders: [{ id: 9 }] }),
  },
]

/** The rows 1 and 2 of the backup are missing in the live database. */
const rows = (): FakeWorld => {
  const world = damagedShop()
  const at = (tables: object) => ({ tables: tables as never, generation: 'one', owner: 'app' })
  world.server.databases.set('shop', at({ orders: [{ id: '3', sum: '1' }] }))
  world.server.databases.set('shop__rb', {
    ...at({ orders: ['1', '2', '3'].map((id) => ({ id, sum: '1' })) }),
    generation: 'copy',
  })
  return world
}
const selected = { database, copy: { name: 'shop__rb', bytes: 1 } as never, tables: 'orders:id', key: '1,2' }

const ofRows: readonly Case[] = [
  {
    name: 'recoverRows, in another database',
    world: rows,
    call: () => recoverRows({ ...selected, compared: { missing: 2 } as never }),
    meddle: ({ server }) =>
      void server.databases.set('shop', { ...server.databases.get('shop')!, generation: 'of another' }),
    doubt: /^the database shop is not the one/,
  },
  {
    name: 'recoverRows, of rows that changed',
    world: rows,
    call: () => recoverRows({ ...selected, compared: { missing: 2 } as never }),
    meddle: ({ server }) =>
      void (server.databases.get('shop')!.tables = {
        orders: ['1', '2', '3'].map((id) => ({ id, sum: '5' })),
      } as never),
    doubt: /^2 of the rows that were inserted into shop changed since$/,
  },
  {
    name: 'exportRows',
    world: rows,
    call: () => exportRows({ ...selected, folder: '/out' }),
    meddle: ({ disk }) => lay(disk, '/out/orders-20260203-050000-abcde.csv', 'edited'),
    doubt: /csv was replaced from outside/,
    fine: ({ disk }) => lay(disk, '/out/mine.txt', 'of another'),
  },
]

describe.each([...cases, ...ofRows])('an undo of $name', ({ world: make, call, meddle, doubt, fine }) => {
  async function ran() {
    const world = make()
    const { step, input } = opened(await call(world))
    if (!acts(step) || step.undo === undefined) throw new Error('it cannot be undone')
    const { look, io } = handsOn(world)
    const before = (await step.survey(look, input)) as Json
    const output = (await step.run(io, { input, before })) as Json
    const guards = step.undoGuards?.({ input, before, output }) ?? []
    const check = async () => {
      for (const guard of guards) {
        expect(guard.of.every(isJson)).toBe(true)
        await guard.check(look, 'back')
      }
    }
    const undo = () => step.undo?.(io, { input, before, output })
    const isAbsent = async () => (await step.probe(look, { input, before, way: 'back' })).is === 'absent'
    return { world, check, undo, isAbsent }
  }

  it('is in doubt where somebody else changed what it relies on', async () => {
    const { world, check, isAbsent } = await ran()
    meddle(world)
    await expect(check()).rejects.toMatchObject({
      code: 'in-doubt',
      message: expect.stringMatching(doubt) as string,
      hint: expect.any(String) as string,
    })
    // Else the engine would take the doubt back.
    expect(await isAbsent()).toBe(false)
  })

  it('goes on where nobody did', async () => {
    const { world, check, undo, isAbsent } = await ran()
    fine?.(world)
    await check()
    await undo()
    expect(await isAbsent()).toBe(true)
  })
})

it('an undo of an export leaves what somebody else put into its folder', async () => {
  const world = rows()
  const { step, input } = opened(exportRows({ ...selected, folder: '/out' }))
  if (!acts(step)) throw new Error('it does not act')
  const { look, io } = handsOn(world)
  const before = (await step.survey(look, input)) as JsonObject
  await step.run(io, { input, before })
  lay(world.disk, '/out/mine.txt', 'of another')
  await step.undo?.(io, { input, before, output: undefined })
  expect([...world.disk.files.keys()].filter((path) => path.startsWith('/out/'))).toEqual(['/out/mine.txt'])
})

describe('an undo of a folder that was exchanged', () => {
  it('is in doubt where another folder was put in its place, and moves nothing', async () => {
    const world = drilled()
    for (const url of world.web.answers.keys())
      world.web.answers.set(url, [
        () => {
          // A restore by hand: another folder of the same name.
          world.disk.identities.delete(live)
          return { status: 500 }
        },
      ])
    const machine = fakeMachine(world, { book: drill, target: codexDrill })
    const result = await machine.run({ afterwards: 'put-back' })
    const folders = [...world.disk.folders]
    expect(result).toMatchObject({
      code: 'in-doubt',
      failure: {
        message: expect.stringContaining(
          `${live} was changed from outside during the run: ${live} is not what this run put or found there`,
        ) as string,
      },
    })
    expect(await machine.rollback()).toMatchObject({ code: 'in-doubt' })
    expect([...world.disk.folders]).toEqual(folders)
    expect(machine.entries.filter(({ entry }) => entry.type === 'undo-intent')).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import book from '../../runbooks/stack-rollback.ts'
import snapshot from '../../runbooks/stack-snapshot.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { imageArchiveOf, lay, fakeMachine, fakeImage, type FakeWorld } from '../../src/testing/index.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { handsOn } from './hands.ts'
import { codexTarget, codexWorld, deployed, folder, idOf, lockFile, runs, tag } from './fake-codex.ts'

const runningImage = (world: FakeWorld, service: string): string | undefined =>
  world.fleet.services.get(service)?.instance?.imageId
const tagsOf = (world: FakeWorld, id: string): readonly string[] => world.images.images.get(id)?.tags ?? []

const backTo =
  (...services: readonly ('app' | 'app-dev')[]) =>
  (world: FakeWorld, _result: Result): void => {
    expect([runningImage(world, 'app'), runningImage(world, 'app-dev')]).toEqual([
      idOf(services.includes('app') ? '1' : '8'),
      idOf(services.includes('app-dev') ? '2' : '9'),
    ])
    if (services.includes('app')) expect(tagsOf(world, idOf('1'))).toContain('codex-completions-api:latest')
    expect(tagsOf(world, idOf('9')).includes('codex-completions-api:dev')).toBe(!services.includes('app-dev'))
  }

const common = { book, target: codexTarget, records: ['/artifacts/checklist.md'] }
// With images that are here already it does less of the same.
provesItself({
  ...common,
  name: 'stack-rollback of both from their tars',
  world: () => deployed('tars'),
  params: { env: 'both' },
  succeeded: backTo('app', 'app-dev'),
})

describe('stack-rollback', () => {
  const run = (world: FakeWorld, params: { readonly [name: string]: string }): Promise<Result> =>
    fakeMachine(world, { book, target: codexTarget }).run(params)
  const refused = async (
    world: FakeWorld,
    params: { readonly [name: string]: string },
    why: RegExp,
  ): Promise<void> => {
    const before = world.state()
    const machine = fakeMachine(world, { book, target: codexTarget })
    expect(await machine.run(params)).toMatchObject({ code: 'preflight', outcome: 'refused' })
    const findings = machine.entries.flatMap(({ entry }) =>
      entry.type === 'preflighted' ? entry.findings : [],
    )
    expect(findings.map(({ problem, hint }) => `${problem}; ${hint}`).join('\n')).toMatch(why)
    expect(world.state()).toEqual(before)
  }

  it.each([
    ['a lock with images', { fromLock: lockFile }],
    ['the id', { imageId: idOf('1') }],
    ['the tag', { tag: tag('prod') }],
  ])('goes back by %s', async (_, params) => {
    const world = deployed()
    expect(await run(world, { env: 'prod', ...params })).toMatchObject({ outcome: 'succeeded' })
    backTo('app')(world, {} as Result)
  })

  it('finds the tar of a lock that another machine wrote under its own path', async () => {
    const world = deployed('tars')
    expect(await run(world, { env: 'prod', fromLock: lockFile })).toMatchObject({ outcome: 'succeeded' })
    backTo('app')(world, {} as Result)
  })

  it('goes back by the lock of its own snapshot, after the images are gone', async () => {
    const world = codexWorld()
    expect(await fakeMachine(world, { book: snapshot, target: codexTarget }).run()).toMatchObject({
      outcome: 'succeeded',
    })
    const lock = [...world.disk.files.keys()].find((path) => path.endsWith('.lock.json')) ?? ''
    for (const id of ['1', '2']) world.images.images.delete(idOf(id))
    for (const [id, service, name] of [
      ['8', 'app', 'latest'],
      ['9', 'app-dev', 'dev'],
    ] as const) {
      world.images.images.set(idOf(id), fakeImage(`codex-completions-api:${name}`))
      runs(world, service, idOf(id))
    }
    expect(await run(world, { env: 'both', fromLock: lock })).toMatchObject({ outcome: 'succeeded' })
    backTo('app', 'app-dev')(world, {} as Result)
  })

  it('finds the tar of a lock that gives the time of the snapshot instead of a path', async () => {
    const world = deployed('tars')
    const body = world.disk.files.get(`${folder}/codex-completions-api-prod-20250912-235129Z.tar`)
    world.disk.files.delete(`${folder}/codex-completions-api-prod-20250912-235129Z.tar`)
    const image = { env: 'prod', image_id: idOf('1'), archival_tag: tag('prod') }
    const lock = (snap: string) => JSON.stringify({ images: [{ ...image, snap_ts_utc: snap }] })
    lay(world.disk, '/other.json', lock('../../etc/x'))
    await refused(world, { env: 'prod', fromLock: '/other.json' }, /no tar file contains it/)
    world.disk.files.set(`${folder}/codex-completions-api-prod-2025-09-12T23-51-28Z.tar`, body!)
    lay(world.disk, '/lock.json', lock('2025-09-12T23-51-28Z'))
    expect(await run(world, { env: 'prod', fromLock: '/lock.json' })).toMatchObject({ outcome: 'succeeded' })
    backTo('app')(world, {} as Result)
  })

  describe('with a snapshot by the script of the team, whose tags are seconds later than the snapshot', () => {
    const [at, tagTime, devTime] = ['2025-09-12T23-51-28Z', '20250912-235129Z', '20250912-235133Z']
    const devTag = `codex-completions-api:dev-${devTime}`
    /** As their script leaves it; the images are only in tar files. */
    const theirs = (here: 'images' | 'tars' = 'tars'): FakeWorld => {
      const world = deployed(here)
      const lines = [
        ['prod', '1', 'app', tag('prod')],
        ['dev', '2', 'app-dev', devTag],
      ] as const
      for (const [env, old, , name] of lines) {
        const usual = `${folder}/codex-completions-api-${env}-20250912-235129Z.tar`
        world.disk.files.delete(usual)
        lay(
          world.disk,
          `${folder}/codex-completions-api-${env}-${at}.tar`,
          imageArchiveOf([{ id: idOf(old), ...fakeImage(name) }]),
        )
        if (here === 'images') world.images.images.set(idOf(old), fakeImage(name))
        world.disk.files.delete(`${folder}/codex-latest-${env}.tarpath`)
      }
      const history = lines.map(([env, old, service, name]) =>
        JSON.stringify({ ts: at, env, service, image_id: idOf(old), archival_tag: name, backup_tar: '' }),
      )
      lay(world.disk, `${folder}/codex-image-history.jsonl`, `${history.join('\n')}\n`)
      return world
    }
    const flat = JSON.stringify({ env: 'prod', docker_tag: tag('prod') })

    it.each<readonly [string, { readonly [name: string]: string }]>([
      ['the pointers', {}],
      ['a lock without a path and a time', { fromLock: lockFile }],
      ['a flat lock', { fromLock: '/flat.json' }],
      ['the id', { imageId: idOf('1') }],
      ['the tag', { tag: tag('prod') }],
      ['the time of the snapshot', { snapshot: at }],
      ['the time of the snapshot in another form', { snapshot: '20250912-235128Z' }],
      ['the time in the tag', { snapshot: tagTime }],
      ['the time in the tag of the other environment', { snapshot: devTime }],
    ])('finds the tar by %s', async (_, params) => {
      const world = theirs()
      lay(world.disk, '/flat.json', flat)
      expect(await run(world, { env: 'prod', ...params })).toMatchObject({ outcome: 'succeeded' })
      backTo('app')(world, {} as Result)
    })

    it.each([at, tagTime, devTime])('goes back with both to the snapshot of %s', async (snapshot) => {
      const world = theirs()
      expect(await run(world, { env: 'both', snapshot })).toMatchObject({ outcome: 'succeeded' })
      backTo('app', 'app-dev')(world, {} as Result)
    })

    it('without the history, takes the image with the time in its tag, and lists those there are', async () => {
      const world = theirs('images')
      world.disk.files.delete(`${folder}/codex-image-history.jsonl`)
      world.disk.files.delete(`${folder}/codex-completions-api-prod-${at}.tar`)
      await refused(
        world,
        { env: 'prod', snapshot: at },
        /not found; choose one: --snapshot 20250912-235129Z$/,
      )
      expect(await run(world, { env: 'prod', snapshot: tagTime })).toMatchObject({ outcome: 'succeeded' })
      backTo('app')(world, {} as Result)
    })

    it.each<readonly [string, { readonly [name: string]: string }]>([
      ['the pointers', {}],
      ['the id', { imageId: idOf('1') }],
      ['the time of the snapshot', { snapshot: at }],
    ])('without the history, finds the tar by %s among all of the environment', async (_, params) => {
      const world = theirs()
      world.disk.files.delete(`${folder}/codex-image-history.jsonl`)
      const other = imageArchiveOf([
        { id: idOf('7'), ...fakeImage('codex-completions-api:prod-20250913-000000Z') },
      ])
      lay(world.disk, `${folder}/codex-completions-api-prod-2025-09-13T00-00-00Z.tar`, other)
      expect(await run(world, { env: 'prod', ...params })).toMatchObject({ outcome: 'succeeded' })
      backTo('app')(world, {} as Result)
    })

    it('finds the tar of a lock under the name that the images had then', async () => {
      const world = theirs()
      world.disk.files.delete(`${folder}/codex-image-history.jsonl`)
      const renamed = 'ghcr.io/drjlabs/codex-app-server-proxy'
      const app = world.fleet.services.get('app')
      if (app === undefined) throw new Error('the fake world has no app')
      app.declared = `${renamed}:latest`
      const { images } = codexTarget
      if (images === undefined) throw new Error('the fake target has no images')
      const target = {
        ...codexTarget,
        images: {
          ...images,
          repository: renamed,
          environments: images.environments.map((one) => ({ ...one, canonical: `${renamed}:latest` })),
        },
      }
      const image = { env: 'prod', image_id: idOf('1'), archival_tag: tag('prod'), snap_ts_utc: at }
      lay(world.disk, '/old.json', JSON.stringify({ images: [image] }))
      const machine = fakeMachine(world, { book, target })
      const { findings } = await machine.dryRun({ env: 'prod', fromLock: '/old.json' })
      expect(findings.filter(({ level }) => level === 'refuse')).toEqual([])
    })
  })

  it('goes back by a flat lock, by its docker_tag', async () => {
    const world = deployed()
    lay(
      world.disk,
      '/flat.json',
      JSON.stringify({
        version: 'v1.2.3',
        env: 'prod',
        git_sha: 'abc123400000',
        created_at: '2025-09-22T101500Z',
        tarball: null,
        docker_tag: tag('prod'),
      }),
    )
    expect(await run(world, { env: 'prod', fromLock: '/flat.json' })).toMatchObject({ outcome: 'succeeded' })
    backTo('app')(world, {} as Result)
  })

  it('T.26: a second snapshot after the bad deployment points at the bad image; the good one is offered, and can be named', async () => {
    const world = codexWorld()
    const snap = async (): Promise<void> =>
      void expect(await fakeMachine(world, { book: snapshot, target: codexTarget }).run()).toMatchObject({
        outcome: 'succeeded',
      })
    await snap()
    world.images.images.set(idOf('8'), fakeImage())
    await world.drivers(watchedScope()).images.tag(idOf('8'), 'codex-completions-api:latest')
    runs(world, 'app', idOf('8'))
    await snap()
    expect(Buffer.from(world.disk.files.get(`${folder}/codex-latest-prod.iid`) ?? []).toString()).toBe(
      idOf('8'),
    )
    await refused(world, { env: 'prod' }, /has the image that is already running/)
    const history = Buffer.from(world.disk.files.get(`${folder}/codex-image-history.jsonl`) ?? []).toString()
    const first = (JSON.parse(history.split('\n')[0] ?? '') as { readonly ts: string }).ts
    await refused(world, { env: 'prod', snapshot: '20200101-000000Z' }, new RegExp(first))
    expect(await run(world, { env: 'prod', snapshot: first })).toMatchObject({ outcome: 'succeeded' })
    expect(runningImage(world, 'app')).toBe(idOf('1'))
    // Once it is pruned, it is no offer any more.
    for (const path of world.disk.files.keys()) if (path.endsWith('.tar')) world.disk.files.delete(path)
    await world.drivers(watchedScope()).images.tag(idOf('8'), 'codex-completions-api:latest')
    runs(world, 'app', idOf('8'))
    world.images.images.delete(idOf('1'))
    await refused(world, { env: 'prod', snapshot: '20200101-000000Z' }, new RegExp(`^(?![^]*${first})`))
  })

  it('takes a tar file only where its manifest, if it has one, vouches for that image', async () => {
    const tar = `${folder}/codex-completions-api-prod-20250912-235129Z.tar`
    const [manifest] = manifestFiles(tar)
    const signed = async (world: FakeWorld, system: string): Promise<void> => {
      const body = world.disk.files.get(tar) ?? new Uint8Array()
      await handsOn(world).io.backups.sign(
        { file: tar, bytes: body.length, sha256: sha256(body) },
        {
          source: { kind: 'images', system, name: 'x' },
          begun: '2025-09-12T23:51:29Z',
          tools: [],
          rows: null,
        },
      )
    }
    const world = deployed('tars')
    await signed(world, idOf('9'))
    await refused(world, { env: 'prod' }, new RegExp(`the manifest of ${tar} is of ${idOf('9')} instead`))
    await signed(world, idOf('1'))
    const good = world.disk.files.get(manifest) ?? new Uint8Array()
    lay(world.disk, manifest, '{}')
    await refused(world, { env: 'prod' }, /the manifest .* does not verify: it is not a manifest/)
    lay(world.disk, manifest, good)
    const body = world.disk.files.get(tar) ?? new Uint8Array()
    // Its image is the same; something else in it is not.
    lay(world.disk, tar, Buffer.from(Buffer.from(body).toString().replace('prod-20250912', 'prod-20250913')))
    await refused(world, { env: 'prod' }, /checksum mismatch in /)
    lay(world.disk, tar, body)
    expect(await run(world, { env: 'prod' })).toMatchObject({ outcome: 'succeeded' })
  })

  it('is refused where Compose would start an image of another name', async () => {
    const world = deployed()
    world.fleet.services.get('app')!.declared = 'ghcr.io/team/codex:latest'
    await refused(
      world,
      { env: 'prod' },
      /app would not run codex-completions-api:latest: the stack's files name ghcr\.io\/team\/codex:latest/,
    )
  })

  it('is refused where the service runs with settings that the stack does not name', async () => {
    const world = deployed()
    world.fleet.services.get('app')!.settings = 'without the override'
    await refused(world, { env: 'prod' }, /app runs with other settings.*set stack\.files/)
  })

  it.each<readonly [string, { readonly [name: string]: string }, RegExp]>([
    ['two sources', { env: 'prod', tag: tag('prod'), imageId: idOf('1') }, /cannot be used together/],
    ['one image for two environments', { env: 'both', imageId: idOf('1') }, /names one image/],
    ['an id that is none', { env: 'prod', imageId: '--privileged' }, /is not an image id/],
    ['a tag that is none', { env: 'prod', tag: '-x;rm' }, /is not an image with a tag/],
    [
      'a lock that is not there',
      { env: 'prod', fromLock: '/none.json' },
      /cannot read the lock file \/none\.json: no such file/,
    ],
    [
      'a lock without the environment',
      { env: 'dev', fromLock: lockFile },
      /no image of dev in it \(images: prod\)/,
    ],
  ])('refuses %s, and touches nothing', async (_, params, why) => refused(deployed(), params, why))

  it.each<readonly [string, string, RegExp]>([
    ['empty', '', /: not a JSON object/],
    ['a list', '[]', /: not a JSON object/],
    ['without images', '{"images":[]}', /no image of prod in it \(images: none\)/],
    ['ambiguous', JSON.stringify({ images: [{ env: 'prod' }, { env: 'prod' }] }), /2 images of prod/],
    [
      'lacking the id and the tag',
      JSON.stringify({ images: [{ env: 'prod' }] }),
      /has neither image_id nor archival_tag/,
    ],
    ['hostile', JSON.stringify({ images: [{ env: 'prod', image_id: '../../etc' }] }), /is not an image id/],
    [
      'flat without docker_tag',
      JSON.stringify({ git_sha: 'abc1234', docker_tag: null }),
      /docker_tag is missing/,
    ],
    ['flat, of another environment', JSON.stringify({ env: 'dev', docker_tag: 'x:y' }), /a lock of dev/],
  ])('refuses a lock that is %s', async (_, body, why) => {
    const world = deployed()
    lay(world.disk, '/lock.json', body)
    await refused(world, { env: 'prod', fromLock: '/lock.json' }, why)
  })

  it('says what to do where the image is nowhere, and where its tar holds another one or is damaged', async () => {
    const gone = deployed('tars')
    const tar = `${folder}/codex-completions-api-prod-20250912-235129Z.tar`
    gone.disk.files.delete(tar)
    await refused(gone, { env: 'prod', fromLock: lockFile }, /docker pull.*rebuild it from commit abc1234/)
    lay(gone.disk, tar, imageArchiveOf([{ id: idOf('7'), ...fakeImage(tag('prod')) }]))
    await refused(gone, { env: 'prod' }, /contains sha256:7+ instead/)
    lay(gone.disk, tar, 'cut off')
    await refused(gone, { env: 'prod' }, /damaged/)
  })

  it('brings up a service that was stopped, and leaves it stopped where that fails', async () => {
    const world = deployed()
    const app = world.fleet.services.get('app')
    if (app?.instance != null) app.instance.state = 'stopped'
    const before = world.state()
    world.web.answers.set('http://prod/healthz', [{ status: 500, json: {} }])
    expect(await run(world, { env: 'prod' })).toMatchObject({ outcome: 'rolled-back' })
    expect({ ...world.state(), files: null }).toEqual({ ...before, files: null })
  })
})

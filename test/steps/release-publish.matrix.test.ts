import { describe, expect, it } from 'vitest'
import publish from '../../runbooks/release-publish.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  archiveOf,
  emptyDisk,
  emptyShelf,
  lay,
  fakeMachine,
  fakeWorld,
  fakeRepository,
  type FakeWorld,
  type FakeRepository,
} from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { handsOn } from './hands.ts'

const releases = '/srv/codex/releases'
const name = 'codex-completions-api'
const stem = `${name}-v1.0.1-2026-01-01T100000Z`
const commit = 'c0ffee'.repeat(6).padEnd(40, '0')
const page = 'https://github.example/team/codex/releases/tag/v1.0.1'
const body = archiveOf([
  { name: './', kind: 'folder' },
  { name: './package.json', kind: 'file', body: '{}' },
])

const target: Target = {
  name: 'codex' as string as Target['name'],
  title: 'codex',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  release: {
    source: '/srv/codex',
    name,
    directory: releases,
    environment: 'prod',
    exclude: [],
    keep: 2,
    inUse: [],
  },
  publication: {
    api: 'https://api.github.example',
    repository: 'team/codex',
    token: { secret: 'GITHUB_TOKEN', from: { env: 'GITHUB_TOKEN' } },
  },
  settings: {},
}

/** As jq and people leave them: three spaces, and a key that nobody here knows. */
const lockText = (url: string | null): string =>
  `{\n   "version": "v1.0.1",\n   "git_sha": "${commit.slice(0, 12)}",\n   "tarball": "${stem}.tar.gz", "tarball_sha256": "${sha256(body)}",\n   "release_url": ${JSON.stringify(url)},\n   "notes": { "release_url": null }, "by hand": true\n}\n`

function snapshotTaken(): FakeWorld {
  const disk = emptyDisk()
  lay(disk, `${releases}/${stem}.tar.gz`, body)
  lay(disk, `${releases}/${stem}.lock.json`, lockText(null))
  lay(
    disk,
    `${releases}/SHA256SUMS`,
    `${'0'.repeat(64)}  ${name}-v1.0.0-2025-01-01T100000Z.tar.gz\n${sha256(body)}  ${stem}.tar.gz\n`,
  )
  const shelf = emptyShelf()
  shelf.repositories.set(
    'team/codex',
    fakeRepository('token-canary-value', { 'v1.0.0': 'a'.repeat(40), 'v1.0.1': commit }),
  )
  return fakeWorld({ disk, shelf, environment: { GITHUB_TOKEN: 'token-canary-value' } })
}

const repositoryOf = ({ shelf }: FakeWorld): FakeRepository =>
  shelf.repositories.get('team/codex') ?? fakeRepository('')
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

function published(world: FakeWorld): void {
  const lock = lockText(page)
  expect(text(world.disk.files.get(`${releases}/${stem}.lock.json`))).toBe(lock)
  const [release, ...others] = repositoryOf(world).releases
  expect(others).toEqual([])
  expect(release).toMatchObject({ tag: 'v1.0.1', draft: false })
  expect(Object.fromEntries((release?.assets ?? []).map((asset) => [asset.name, text(asset.body)]))).toEqual({
    [`${stem}.tar.gz`]: text(body),
    [`${stem}.lock.json`]: lock,
    SHA256SUMS: `${sha256(body)}  ${stem}.tar.gz\n${sha256(lock)}  ${stem}.lock.json\n`,
  })
}

const common = { book: publish, target, params: {}, records: [] }
provesItself({ ...common, name: 'release-publish', world: snapshotTaken, succeeded: published })

describe('release-publish', () => {
  it('uploads the signed manifest of the bundle', async () => {
    const world = snapshotTaken()
    const file = `${releases}/${stem}.tar.gz`
    await handsOn(world).io.backups.sign(
      { file, bytes: body.length, sha256: sha256(body) },
      {
        source: { kind: 'release', system: 'team/codex', name },
        begun: '2026-01-01T10:00:00.000Z',
        tools: [],
        rows: null,
      },
    )
    expect(await fakeMachine(world, { book: publish, target }).run({})).toMatchObject({ code: 'succeeded' })
    const assets = new Map(repositoryOf(world).releases[0]?.assets.map((one) => [one.name, text(one.body)]))
    for (const beside of manifestFiles(file))
      expect(assets.get(beside.slice(releases.length + 1))).toBe(text(world.disk.files.get(beside)))
    expect(assets.size).toBe(5)
  })

  const machineOf = (world: FakeWorld) => fakeMachine(world, { book: publish, target })

  describe('of a bundle with credentials', () => {
    const secretive = archiveOf([
      { name: './', kind: 'folder' },
      { name: './package.json', kind: 'file', body: '{}' },
      { name: './.env', kind: 'file', body: 'API_KEY=canary-of-an-env-file' },
      { name: './.codex-api/auth.json', kind: 'file', body: '{"token":"canary-of-an-auth-file"}' },
    ])
    function withSecrets(): FakeWorld {
      const world = snapshotTaken()
      const file = `${releases}/${stem}.tar.gz`
      lay(world.disk, file, secretive)
      for (const path of [`${releases}/${stem}.lock.json`, `${releases}/SHA256SUMS`])
        lay(world.disk, path, text(world.disk.files.get(path)).replaceAll(sha256(body), sha256(secretive)))
      return world
    }
    const problem = `${stem}.tar.gz holds files with credentials: .codex-api/auth.json, .env`

    it('refuses before anything is created, in a dry run too, and shows names only', async () => {
      const world = withSecrets()
      const before = world.state()
      const machine = machineOf(world)
      for (const result of [await machine.dryRun(), await machine.run()])
        expect(result).toMatchObject({
          code: 'preflight',
          findings: [{ level: 'refuse', problem, hint: expect.stringContaining('--include-secrets') }],
        })
      expect(world.state()).toEqual(before)
      expect(JSON.stringify(machine.entries)).not.toContain('canary-of')
    })

    it('is named together with what the host lacks', async () => {
      const world = withSecrets()
      repositoryOf(world).tags.clear()
      expect((await machineOf(world).dryRun()).findings).toMatchObject([
        { level: 'refuse', problem },
        { level: 'refuse', problem: expect.stringContaining('tag v1.0.1 not found') },
      ])
    })

    it('publishes it where that is asked for, with a warning', async () => {
      const world = withSecrets()
      const machine = machineOf(world)
      expect(await machine.run({ includeSecrets: true })).toMatchObject({ code: 'succeeded' })
      expect(
        machine.entries.flatMap(({ entry }) => (entry.type === 'preflighted' ? entry.findings : [])),
      ).toMatchObject([{ level: 'warn', problem }])
      expect(repositoryOf(world).releases).toMatchObject([{ tag: 'v1.0.1', draft: false }])
    })
  })

  it('run again, finds everything done and changes nothing', async () => {
    const world = snapshotTaken()
    expect(await machineOf(world).run()).toMatchObject({ code: 'succeeded' })
    const after = world.state()
    expect(await machineOf(world).run({ release: 'v1.0.1' })).toMatchObject({ code: 'succeeded' })
    expect(world.state()).toEqual(after)
    published(world)
  })

  it('writes the address of a release that was published by hand, and leaves its files alone', async () => {
    const world = snapshotTaken()
    repositoryOf(world).releases.push({
      id: 7,
      tag: 'v1.0.1',
      draft: false,
      notes: 'by hand',
      assets: [
        { id: 8, name: `${stem}.tar.gz`, body, whole: true },
        { id: 9, name: `${stem}.lock.json`, body: Buffer.from('{}'), whole: true },
      ],
    })
    const { releases: before } = world.state()
    expect(await machineOf(world).run()).toMatchObject({ code: 'succeeded' })
    expect(world.state()['releases']).toEqual(before)
    expect(text(world.disk.files.get(`${releases}/${stem}.lock.json`))).toBe(lockText(page))
  })

  it('goes back where what was uploaded is not what comes back', async () => {
    const world = snapshotTaken()
    const before = world.state()
    const { drivers } = world
    const machine = fakeMachine(
      {
        ...world,
        drivers: (scope) => {
          const real = drivers(scope)
          return {
            ...real,
            releases: {
              ...real.releases,
              ...methods(real.releases),
              fetched: async () => ({ bytes: 1, sha256: '0'.repeat(64) }),
            },
          }
        },
      },
      { book: publish, target },
    )
    expect(await machine.run()).toMatchObject({
      code: 'verification',
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('differs from what was uploaded') },
    })
    expect(world.state()).toEqual(before)
  })

  it('never lets its token into the journal, the evidence or what a screen is told', async () => {
    const world = snapshotTaken()
    const machine = machineOf(world)
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(
      JSON.stringify([
        machine.entries,
        machine.events,
        [...machine.evidence.folders.values()].flatMap((files) => [...files.values()].map(text)),
      ]),
    ).not.toContain('token-canary-value')
  })

  it.each<[string, object, (world: FakeWorld) => void, string]>([
    [
      'a folder without bundles',
      {},
      ({ disk }) => void [...disk.files.keys()].forEach((path) => disk.files.delete(path)),
      'no bundle of codex-completions-api with a lock file in',
    ],
    [
      'a bundle without its lock file',
      {},
      ({ disk }) => void disk.files.delete(`${releases}/${stem}.lock.json`),
      'no bundle of codex-completions-api with a lock file in',
    ],
    ['a version of which there is none', { release: 'v2.0.0' }, () => undefined, 'of \\"v2.0.0\\"'],
    [
      'a hostile version',
      { release: '../../etc' },
      () => undefined,
      'no bundle of \\"../../etc\\" with a lock file',
    ],
    ['an empty version', { release: '' }, () => undefined, 'no bundle of \\"\\" with a lock file'],
    [
      'a lock file that is no JSON',
      {},
      ({ disk }) => lay(disk, `${releases}/${stem}.lock.json`, '{'),
      'lock.json: not JSON',
    ],
    [
      'a lock file of another bundle',
      {},
      ({ disk }) =>
        lay(disk, `${releases}/${stem}.lock.json`, lockText(null).replace(`${stem}.tar.gz`, 'other.tar.gz')),
      'is for other.tar.gz',
    ],
    [
      'a bundle of a commit without a tag',
      {},
      ({ disk }) => {
        for (const ending of ['tar.gz', 'lock.json']) disk.files.delete(`${releases}/${stem}.${ending}`)
        const other = `${name}-git-c0ffeec-2026-01-01T100000Z`
        lay(disk, `${releases}/${other}.tar.gz`, body)
        lay(
          disk,
          `${releases}/${other}.lock.json`,
          lockText(null).replaceAll(stem, other).replace('"v1.0.1"', '"git-c0ffeec"'),
        )
      },
      'is not a version tag',
    ],
    [
      'a tag that was not pushed',
      {},
      (world) => void repositoryOf(world).tags.delete('v1.0.1'),
      'tag v1.0.1 not found in team/codex',
    ],
    [
      'a tag at another commit',
      {},
      (world) => void repositoryOf(world).tags.set('v1.0.1', 'b'.repeat(40)),
      'v1.0.1 of team/codex is commit bbbbbbbbbbbb',
    ],
    [
      'a release with another bundle',
      {},
      (world) =>
        void repositoryOf(world).releases.push({
          id: 7,
          tag: 'v1.0.1',
          draft: false,
          notes: '',
          assets: [{ id: 8, name: `${stem}.tar.gz`, body: Buffer.from('x'), whole: true }],
        }),
      'v1.0.1 is already published at',
    ],
    [
      'a release without the bundle',
      {},
      (world) =>
        void repositoryOf(world).releases.push({ id: 7, tag: 'v1.0.1', draft: false, notes: '', assets: [] }),
      'v1.0.1 is already published at',
    ],
    [
      'a draft of somebody else',
      {},
      (world) =>
        void repositoryOf(world).releases.push({ id: 7, tag: 'v1.0.1', draft: true, notes: '', assets: [] }),
      'already has a draft for v1.0.1',
    ],
    [
      'a token that is not accepted',
      {},
      (world) => void (repositoryOf(world).token = 'another'),
      'the token is not accepted',
    ],
    [
      'a token that is not there',
      {},
      ({ environment }) => void environment.delete('GITHUB_TOKEN'),
      'GITHUB_TOKEN',
    ],
  ])('refuses %s, touching nothing', async (_, params, change, words) => {
    const world = snapshotTaken()
    change(world)
    const before = world.state()
    const result = await machineOf(world).run(params as { readonly release?: string })
    expect(result).toMatchObject({ code: 'preflight' })
    expect(JSON.stringify(result)).toContain(words)
    expect(world.state()).toEqual(before)
  })

  it('goes back from a bundle that is not what its lock file says', async () => {
    const world = snapshotTaken()
    lay(world.disk, `${releases}/${stem}.tar.gz`, archiveOf([{ name: './', kind: 'folder' }]))
    const before = world.state()
    expect(await machineOf(world).run()).toMatchObject({
      code: 'verification',
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('checksum mismatch in') },
    })
    expect(world.state()).toEqual(before)
  })
})

/** The methods of a proxy, which spreading does not see. */
const methods = <P extends object>(port: P): P =>
  Object.fromEntries(
    ['commitOf', 'forTag', 'fetched', 'draft', 'upload', 'removeAsset', 'publish', 'withdraw', 'remove'].map(
      (method) => [
        method,
        (...args: readonly unknown[]) =>
          (Reflect.get(port, method) as (...args: readonly unknown[]) => unknown)(...args),
      ],
    ),
  ) as P

import { describe, expect, it } from 'vitest'
import fetch from '../../runbooks/release-fetch.ts'
import { manifestText } from '../../src/formats/backup-manifest.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  archiveOf,
  emptyDisk,
  emptyShelf,
  lay,
  fakeKeys,
  fakeMachine,
  fakeWorld,
  fakeRepository,
  type FakeWorld,
  type FakeRelease,
} from '../../src/testing/index.ts'
import { fakeSeal } from '../../src/testing/seal.ts'
import { provesItself } from '../fixtures/matrix.ts'

const releases = '/srv/codex/releases'
const stem = 'codex-v1.0.1-2026-01-01T100000Z'
const older = `${'0'.repeat(64)}  codex-v1.0.0-2025-01-01T100000Z.tar.gz\n`
const bundle = archiveOf([
  { name: './', kind: 'folder' },
  { name: './package.json', kind: 'file', body: '{}' },
])
const lock = Buffer.from(
  JSON.stringify({ version: 'v1.0.1', tarball: `${stem}.tar.gz`, tarball_sha256: sha256(bundle) }),
)
const token = 'token-canary-value'

const target: Target = {
  name: 'codex' as string as Target['name'],
  title: 'codex',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  release: {
    source: '/srv/codex',
    name: 'codex',
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
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

const asset = (id: number, name: string, body: Uint8Array) => ({ id, name, body, whole: true })
const published = (id: number, tag: string, assets: FakeRelease['assets']): FakeRelease => ({
  id,
  tag,
  draft: false,
  notes: '',
  assets,
})

function elsewhere(files: { readonly [name: string]: string | Uint8Array } = {}): FakeWorld {
  const disk = emptyDisk()
  for (const folder of ['/artifacts', '/srv', '/srv/codex']) disk.folders.add(folder)
  for (const [name, body] of Object.entries(files)) lay(disk, `${releases}/${name}`, body)
  const repository = fakeRepository(token, { 'v1.0.1': 'c0ffee' })
  repository.releases.push(
    published(1, 'v1.0.0', []),
    published(2, 'v1.0.1', [
      asset(21, `${stem}.tar.gz`, bundle),
      asset(22, `${stem}.lock.json`, lock),
      asset(23, 'SHA256SUMS', Buffer.from('for this release alone')),
    ]),
    { ...published(3, 'v1.0.2', []), draft: true },
  )
  const shelf = emptyShelf()
  shelf.repositories.set('team/codex', repository)
  return fakeWorld({ disk, shelf, environment: { GITHUB_TOKEN: token } })
}

const manifest = manifestText(
  `${stem}.tar.gz`,
  { file: `${stem}.tar.gz`, bytes: bundle.length, sha256: sha256(bundle) },
  {
    source: { kind: 'release', system: 'codex', name: 'v1.0.1' },
    begun: '2026-01-01T10:00:00.000Z',
    tools: [],
    rows: null,
  },
  { run: 'there', host: 'builder', program: 'runbook', ended: new Date('2026-01-01T10:00:01.000Z') },
)

/** The release is published with the manifest of its bundle, signed by this key. */
async function signedBy(key: string, text = manifest, files = {}): Promise<FakeWorld> {
  const world = elsewhere(files)
  const signature = await fakeSeal(fakeKeys(key)).sign(Buffer.from(manifest))
  world.shelf.repositories
    .get('team/codex')
    ?.releases[1]?.assets.push(
      asset(24, `${stem}.tar.gz.manifest.json`, Buffer.from(text)),
      asset(25, `${stem}.tar.gz.manifest.json.sig`, Buffer.from(signature)),
    )
  return world
}
const signedFiles = (ending: string) =>
  [`${stem}.tar.gz.manifest.json${ending}`, `${stem}.tar.gz.manifest.json.sig${ending}`].toSorted()

const filesOf = ({ disk }: FakeWorld) =>
  Object.fromEntries(
    [...disk.files]
      .filter(([path]) => path.startsWith(`${releases}/`))
      .map(([path, body]) => [path.slice(releases.length + 1), sha256(body)]),
  )
const fetched = (sums: string) => ({
  [`${stem}.tar.gz`]: sha256(bundle),
  [`${stem}.lock.json`]: sha256(lock),
  SHA256SUMS: sha256(`${sums}${sha256(bundle)}  ${stem}.tar.gz\n`),
})

const common = { book: fetch, target, params: {}, records: ['/artifacts/checklist.md'] }
provesItself({
  ...common,
  name: 'release-fetch to a new host',
  world: () => elsewhere(),
  succeeded: (world) => expect(filesOf(world)).toEqual(fetched('')),
})

const ofMachine = await signedBy(fakeKeys().own)
provesItself({
  ...common,
  name: 'release-fetch with the manifest of the bundle',
  world: () => {
    const world = elsewhere()
    const published = ofMachine.shelf.repositories.get('team/codex')?.releases[1]?.assets ?? []
    world.shelf.repositories.get('team/codex')?.releases[1]?.assets.push(...published.slice(3))
    return world
  },
  succeeded: (world) =>
    expect(
      Object.keys(filesOf(world))
        .filter((name) => name.includes('manifest'))
        .toSorted(),
    ).toEqual(signedFiles('')),
})

describe('release-fetch', () => {
  const manifestsIn = (world: FakeWorld) =>
    Object.keys(filesOf(world))
      .filter((name) => name.includes('manifest'))
      .toSorted()

  it('puts the manifest of a key that is not trusted here aside, and beside the bundle once it is', async () => {
    const world = await signedBy('SHA256:builder')
    expect(await run(world)).toMatchObject({ code: 'succeeded' })
    expect(manifestsIn(world)).toEqual(signedFiles('.untrusted'))
    expect(await run(world)).toMatchObject({ code: 'succeeded' })
    expect(manifestsIn(world)).toEqual(signedFiles('.untrusted'))
    world.keys.trusted.add('SHA256:builder')
    expect(await run(world)).toMatchObject({ code: 'succeeded' })
    expect(manifestsIn(world)).toEqual(signedFiles(''))
  })

  it('does so where no key is trusted at all, and leaves a manifest without its signature', async () => {
    const world = await signedBy('SHA256:builder')
    world.keys.trusted.clear()
    expect(await run(world)).toMatchObject({ code: 'succeeded' })
    expect(manifestsIn(world)).toEqual(signedFiles('.untrusted'))
    const alone = await signedBy('SHA256:builder')
    alone.shelf.repositories.get('team/codex')?.releases[1]?.assets.pop()
    expect(await run(alone)).toMatchObject({ code: 'succeeded' })
    expect(manifestsIn(alone)).toEqual([])
  })

  it('takes everything back where the manifest was altered', async () => {
    const world = await signedBy(fakeKeys().own, manifest.replace('builder', 'another'), {
      SHA256SUMS: older,
    })
    const before = filesOf(world)
    expect(await run(world)).toMatchObject({
      outcome: 'rolled-back',
      failure: { code: 'verification', message: expect.stringContaining('the signature does not match') },
    })
    expect(filesOf(world)).toEqual(before)
  })
  const run = (world: FakeWorld, params = {}) => fakeMachine(world, { book: fetch, target }).run(params)

  it('adds its line to SHA256SUMS, takes what is there already, and run again changes nothing', async () => {
    const world = elsewhere({ SHA256SUMS: older, [`${stem}.tar.gz`]: bundle })
    for (const _ of [1, 2]) {
      expect(await run(world)).toMatchObject({ code: 'succeeded' })
      expect(filesOf(world)).toEqual(fetched(older))
    }
  })

  it.each<readonly [string, (world: FakeWorld) => unknown, string, { readonly release?: string }]>([
    [
      'nothing is published',
      ({ shelf }) => shelf.repositories.get('team/codex')?.releases.splice(0, 2),
      'none is published',
      {},
    ],
    ['a version is not published', () => undefined, 'none is published for v1.0.2', { release: 'v1.0.2' }],
    ['the release has no bundle', () => undefined, 'expected one bundle', { release: 'v1.0.0' }],
    [
      'another file of that name is here',
      ({ disk }) => lay(disk, `${releases}/${stem}.tar.gz`, 'edited'),
      'differs from the published file',
      {},
    ],
    ['the token is nowhere', ({ environment }) => environment.clear(), 'GITHUB_TOKEN', {}],
  ])('is refused where %s, with nothing touched', async (_, spoil, says, params) => {
    const world = elsewhere({ SHA256SUMS: older })
    spoil(world)
    const before = world.state()
    expect(await run(world, params)).toMatchObject({
      outcome: 'refused',
      failure: { message: expect.stringContaining(says) },
    })
    expect(world.state()).toEqual(before)
  })

  it.each<readonly [string, Partial<Record<'bundle' | 'lock', Uint8Array>>]>([
    [
      'the bundle is not what its lock file says',
      {
        bundle: archiveOf([
          { name: './', kind: 'folder' },
          { name: './evil', kind: 'file', body: '' },
        ]),
      },
    ],
    [
      'the lock file is for another bundle',
      { lock: Buffer.from(lock.toString().replace('v1.0.1-2026', 'v1.0.1-2027')) },
    ],
    ['the lock file is none', { lock: Buffer.from('<html>') }],
  ])('takes everything back where %s', async (_, { bundle: other, lock: otherLock }) => {
    const world = elsewhere({ SHA256SUMS: older })
    const [there, lockThere] = world.shelf.repositories.get('team/codex')?.releases[1]?.assets ?? []
    if (other !== undefined && there !== undefined) there.body = other
    if (otherLock !== undefined && lockThere !== undefined) lockThere.body = otherLock
    const before = filesOf(world)
    expect(await run(world)).toMatchObject({ outcome: 'rolled-back' })
    expect(filesOf(world)).toEqual(before)
  })
})

import { describe, expect, it } from 'vitest'
import snapshot from '../../runbooks/release-snapshot.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  archiveOf,
  commitOn,
  emptyDisk,
  lay,
  fakeMachine,
  fakeWorld,
  noPrograms,
  noRepositories,
  fakeImage,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { provesItself, type Procedure } from '../fixtures/matrix.ts'
import { verified } from '../../steps/releases/verify-release.ts'
import { handsOn } from './hands.ts'

const releases = '/srv/codex/releases'
const name = 'codex-completions-api'

const target: Target = {
  name: 'codex' as string as Target['name'],
  title: 'codex',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  release: {
    source: '/srv/codex',
    name,
    directory: releases,
    environment: 'prod',
    exclude: ['node_modules', 'releases/*', '.cache'],
    keep: 2,
    inUse: ['/srv/codex/releases/deployed.path'],
  },
  settings: {},
}

/** A checkout at v1.0.1. */
function checkout(): FakeWorld {
  const disk = emptyDisk()
  const repositories = noRepositories()
  const programs = noPrograms()
  programs.installed.set('git', { version: '2.39.5' })
  for (const [path, body] of Object.entries({
    'package.json': '{"version":"1.0.1"}',
    'src/main.js': 'serve()',
    'src/secret.cache': 'kept',
    '.cache/big': 'x',
    '.gitignore': 'node_modules\n',
  }))
    lay(disk, `/srv/codex/${path}`, body)
  commitOn(repositories, disk, '/srv/codex', {
    committedAt: '2025-12-31T10:00:00.000Z',
    tags: ['v1.0.1', 'latest'],
  })
  lay(disk, '/srv/codex/node_modules/x/index.js', 'x')
  return fakeWorld({ disk, repositories, programs })
}

const stemOf = (hour: string): string => `${name}-v1.0.0-2025-12-01T${hour}0000Z`

/** The folder of releases as a year of work leaves it: three pairs, a half, image records and a list with absolute names. */
function stocked(): FakeWorld {
  const world = checkout()
  const lines: string[] = []
  for (const hour of ['01', '02', '03']) {
    const stem = stemOf(hour)
    const body = archiveOf([
      { name: './', kind: 'folder' },
      { name: './package.json', kind: 'file', body: hour },
    ])
    lay(world.disk, `${releases}/${stem}.tar.gz`, body)
    lay(
      world.disk,
      `${releases}/${stem}.lock.json`,
      JSON.stringify({ version: 'v1.0.0', tarball: `${stem}.tar.gz`, tarball_sha256: sha256(body) }),
    )
    lines.push(`${sha256(body)}  ${hour === '02' ? '/home/someone/releases/' : ''}${stem}.tar.gz`)
  }
  lay(world.disk, `${releases}/${stemOf('00')}.lock.json`, '{}')
  lay(world.disk, `${releases}/stack-images-2025-09-12.lock.json`, '{}')
  lay(world.disk, `${releases}/SHA256SUMS`, lines.join('\n'))
  return world
}

const text = (world: FakeWorld, path: string): string =>
  Buffer.from(world.disk.files.get(path) ?? []).toString()
const listed = (world: FakeWorld): readonly string[] =>
  [...world.disk.files.keys()]
    .filter((path) => path.startsWith(`${releases}/`))
    .map((path) => path.slice(releases.length + 1))
    .sort()
const made = (world: FakeWorld): string =>
  listed(world).findLast((file) => file.endsWith('.tar.gz') && file.includes('v1.0.1')) ?? ''

function packed(world: FakeWorld): void {
  const tarball = made(world)
  expect(tarball).toMatch(/^codex-completions-api-v1\.0\.1-\d{4}-\d{2}-\d{2}T\d{6}Z\.tar\.gz$/)
  const body = world.disk.files.get(`${releases}/${tarball}`) ?? new Uint8Array()
  expect(JSON.parse(text(world, `${releases}/${tarball.replace('.tar.gz', '.lock.json')}`))).toEqual({
    version: 'v1.0.1',
    env: 'prod',
    git_sha: expect.stringMatching(/^[0-9a-f]{12}$/),
    created_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{6}Z$/),
    tarball,
    tarball_sha256: sha256(body),
    docker_tag: null,
    release_url: null,
    keep: 2,
    notes: { output_dir: 'releases', dry_run: false, prune: expect.any(Boolean) },
  })
  expect(world.disk.permissions.get(`${releases}/${tarball.replace('.tar.gz', '.lock.json')}`)?.mode).toBe(
    0o644,
  )
  expect(text(world, `${releases}/SHA256SUMS`)).toMatch(new RegExp(`(^|\n)${sha256(body)}  ${tarball}\n$`))
  const members = JSON.parse(
    Buffer.from(body)
      .toString()
      .replace(/^[^[]*/, ''),
  ) as readonly { readonly name: string }[]
  expect(members.map((member) => member.name)).toEqual([
    './',
    './.gitignore',
    './package.json',
    './src/',
    './src/main.js',
    './src/secret.cache',
  ])
}

const isManifest = (path: string): boolean => /\.manifest\.json(?:\.sig)?$/.test(path)
const common = { book: snapshot, target, records: [], dated: isManifest }
const procedures: Procedure[] = [
  { ...common, name: 'release-snapshot in a fresh checkout', params: {}, world: checkout, succeeded: packed },
  {
    ...common,
    name: 'release-snapshot --prune',
    params: { prune: true },
    world: stocked,
    succeeded: (world) => {
      packed(world)
      expect(listed(world)).toEqual([
        'SHA256SUMS',
        `${stemOf('00')}.lock.json`,
        `${stemOf('03')}.lock.json`,
        `${stemOf('03')}.tar.gz`,
        made(world).replace('.tar.gz', '.lock.json'),
        made(world),
        ...manifestFiles(made(world)),
        'stack-images-2025-09-12.lock.json',
      ])
      expect(text(world, `${releases}/SHA256SUMS`).trimEnd().split('\n')).toHaveLength(2)
    },
  },
]

procedures.push({
  ...common,
  name: 'release-snapshot --docker-image',
  params: { dockerImage: 'codex:latest' },
  world: () => {
    const world = checkout()
    world.images.images.set('sha256:1', fakeImage('codex:v1.0.1'))
    world.images.images.set('sha256:2', fakeImage('codex:latest'))
    return world
  },
  succeeded: (world) => {
    expect(world.images.images.get('sha256:2')?.tags).toEqual(['codex:latest', 'codex:v1.0.1'])
    expect(
      JSON.parse(text(world, `${releases}/${made(world).replace('.tar.gz', '.lock.json')}`)),
    ).toMatchObject({ docker_tag: 'codex:v1.0.1' })
  },
})
procedures.forEach(provesItself)

describe('release-snapshot', () => {
  it('signs a manifest of the bundle, which verifying it compares', async () => {
    const world = checkout()
    await fakeMachine(world, { book: snapshot, target }).run({})
    const file = `${releases}/${made(world)}`
    const [manifest, signature] = manifestFiles(file)
    expect(JSON.parse(text(world, manifest))).toMatchObject({
      source: { kind: 'release', system: 'codex-completions-api' },
      sha256: sha256(world.disk.files.get(file) ?? ''),
    })
    const { look } = handsOn(world)
    const lock = file.replace('.tar.gz', '.lock.json')
    expect(await verified(look, lock)).toMatchObject({ file })
    world.disk.files.delete(signature)
    await expect(verified(look, lock)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('its signature'),
    })
  })

  const machineOf = (world: FakeWorld) => fakeMachine(world, { book: snapshot, target })

  it('deletes nothing without --prune', async () => {
    const world = stocked()
    const before = listed(world)
    expect(await machineOf(world).run({ keep: 1 })).toMatchObject({ code: 'succeeded' })
    expect(listed(world)).toEqual(expect.arrayContaining([...before]))
  })

  it('spares a bundle that is in use', async () => {
    const world = stocked()
    lay(world.disk, `${releases}/deployed.path`, `releases/${stemOf('01')}.tar.gz\n`)
    expect(await machineOf(world).run({ keep: 1, prune: true })).toMatchObject({ code: 'succeeded' })
    expect(
      listed(world).filter((file) => file.startsWith(`${name}-v1.0.0`) && file.endsWith('.tar.gz')),
    ).toEqual([`${stemOf('01')}.tar.gz`])
  })

  it('tells in a dry run which bundles would go', async () => {
    const world = stocked()
    const machine = machineOf(world)
    expect(await machine.dryRun({ prune: true })).toMatchObject({ code: 'succeeded' })
    const told = JSON.stringify(machine.events)
    expect(told).toContain(`${stemOf('01')}.tar.gz, `.replace(', ', ''))
    expect(told).toContain(
      `will be removed at the end, with their lock files: ${stemOf('02')}.tar.gz, ${stemOf('01')}.tar.gz`,
    )
  })

  it('packs what lies there where told to, and leaves out what is gone', async () => {
    const world = checkout()
    lay(world.disk, '/srv/codex/src/main.js', 'changed()')
    world.disk.files.delete('/srv/codex/package.json')
    expect(await machineOf(world).run({ allowDirty: true })).toMatchObject({ code: 'succeeded' })
    const body = Buffer.from(world.disk.files.get(`${releases}/${made(world)}`) ?? []).toString()
    expect(body).toContain('changed()')
    expect(body).not.toContain('package.json')
  })

  it('takes files that git does not know for no reason to stop, and leaves them out', async () => {
    const world = checkout()
    lay(world.disk, '/srv/codex/docs/evidence.md', 'of the last run')
    const machine = machineOf(world)
    expect(await machine.run({})).toMatchObject({ code: 'succeeded' })
    expect(JSON.stringify(machine.events)).toContain('docs/evidence.md')
    packed(world)
  })

  it('names a commit without a version tag by the commit', async () => {
    const world = checkout()
    lay(world.disk, '/srv/codex/src/main.js', 'two')
    const { sha } = commitOn(world.repositories, world.disk, '/srv/codex')
    expect(await machineOf(world).run({})).toMatchObject({ code: 'succeeded' })
    expect(listed(world).filter((file) => file.endsWith('.tar.gz'))).toEqual([
      expect.stringMatching(new RegExp(`^${name}-git-${sha.slice(0, 7)}-`)),
    ])
  })

  it.each<[string, object, (world: FakeWorld) => void, string]>([
    ['changed files', {}, ({ disk }) => lay(disk, '/srv/codex/src/main.js', 'changed()'), 'src/main.js'],
    ['removed files', {}, ({ disk }) => void disk.files.delete('/srv/codex/src/main.js'), 'src/main.js'],
    ['no repository', {}, ({ repositories }) => repositories.clear(), 'not a git repository'],
    [
      'several version tags',
      {},
      ({ repositories, disk }) =>
        void commitOn(repositories, disk, '/srv/codex', { tags: ['v1.0.2', 'v1.0.3'] }),
      'v1.0.2, v1.0.3',
    ],
    ['a hostile version', { release: 'v1/../../etc' }, () => undefined, 'is not a version'],
    ['a version without its v', { release: '1.0.1' }, () => undefined, 'is not a version'],
    ['an empty version', { release: '' }, () => undefined, 'is not a version'],
    [
      'an image that is not there',
      { dockerImage: 'codex:latest' },
      () => undefined,
      'image codex:latest not found on this machine',
    ],
    ['an image by its id', { dockerImage: 'sha256:1' }, () => undefined, 'is not an image name'],
    ['nothing to be kept', { keep: 0, prune: true }, () => undefined, 'cannot keep 0 bundles'],
    ['a file where the folder should be', {}, ({ disk }) => lay(disk, releases, ''), 'not a folder'],
    [
      'a list that is no text',
      {},
      ({ disk }) => lay(disk, `${releases}/SHA256SUMS`, Buffer.from([0xff, 0xfe, 0x41])),
      'is not text',
    ],
    [
      'a list that is a folder',
      {},
      ({ disk }) => void lay(disk, `${releases}/SHA256SUMS/x`, ''),
      'is a directory',
    ],
  ])('refuses %s, touching nothing', async (_, params, change, words) => {
    const world = checkout()
    change(world)
    const before = world.state()
    const result = await machineOf(world).run(params as { readonly keep?: number })
    expect(result).toMatchObject({ code: 'preflight' })
    expect(JSON.stringify(result)).toContain(words)
    expect(world.state()).toEqual(before)
  })
})

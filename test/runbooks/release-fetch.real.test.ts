import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import type { Kill } from '../crash/kill.ts'
import { GithubApi, type KeptAsset } from '../fixtures/github-api.ts'
import { ReleaseSite } from '../fixtures/release-site.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const token = 'github_pat_canary_0123456789'
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

let site: ReleaseSite
let api: GithubApi
let files: { readonly [name: string]: Buffer }
let assets: KeptAsset[]
let before: ReturnType<ReleaseSite['state']>

beforeAll(async () => {
  site = await ReleaseSite.open()
  api = await GithubApi.open(token)
  const made = await site.snapshot()
  expect(made.code, whole(made)).toBe(0)
  const [bundle = ''] = site.bundles()
  files = Object.fromEntries(
    [bundle, bundle.replace('.tar.gz', '.lock.json'), 'SHA256SUMS'].map((name) => [
      name,
      readFileSync(join(site.releases, name)),
    ]),
  )
  rmSync(site.releases, { recursive: true })
  before = site.state()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})
beforeEach(() => {
  rmSync(site.releases, { recursive: true, force: true })
  assets = Object.entries(files).map(([name, body], index) => ({
    id: index + 10,
    name,
    body,
    state: 'uploaded',
  }))
  api.repository('team/codex').releases.push({
    id: 1,
    tag: 'v1.0.1',
    name: 'v1.0.1',
    draft: false,
    prerelease: false,
    body: '',
    assets,
  })
})

const type = (args: readonly string[], kill: Kill | null = null): Promise<Finished> =>
  site.type(args, { kill, env: { GITHUB_TOKEN: token, PUBLISH_TO: api.address } })
const fetch = (more: readonly string[] = [], kill: Kill | null = null): Promise<Finished> =>
  type(['run', 'release-fetch', ...more], kill)

function isHere(where: string): void {
  for (const [name, body] of Object.entries(files))
    expect(readFileSync(join(site.releases, name)).equals(body), `${where}: ${name}`).toBe(true)
  expect(
    spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: site.releases }).status,
    where,
  ).toBe(0)
}

it('looks and changes nothing in a dry run', async () => {
  const finished = await fetch(['--dry-run'])
  expect(finished.code, whole(finished)).toBe(0)
  expect(site.state()).toEqual(before)
})

it('brings the latest release here over a bad line, on a host that never made one', async () => {
  api.next(/^STORAGE/, 'half')
  const finished = await fetch()
  expect(finished.code, whole(finished)).toBe(0)
  isHere('fetched')
  expect(spawnSync('grep', ['-r', '-l', token, site.folder], { encoding: 'utf8' }).stdout).toBe('')
})

it('leaves nothing where the line is cut, or what arrives is not what its lock file says', async () => {
  for (let tries = 0; tries < 3; tries += 1) api.next(/^STORAGE/, 'half')
  const cut = await fetch()
  expect(cut.code, whole(cut)).toBe(10)
  expect(whole(cut)).toMatch(/connection lost after \d+ bytes/)
  expect(site.state()).toEqual(before)
  api.repository('team/codex').releases.push({
    id: 2,
    tag: 'v1.0.1',
    name: '',
    draft: false,
    prerelease: false,
    body: '',
    assets: assets.map((asset, index) => (index === 0 ? { ...asset, body: Buffer.from('edited') } : asset)),
  })
  const edited = await fetch()
  expect([10, 14], whole(edited)).toContain(edited.code)
  expect(site.state()).toEqual(before)
})

it.each(crashesIn('download-the-release', 40))('killed %s (%j), then %s', async (where, kill, way) => {
  api.slowness = where === 'mid-effect' ? 30 : 0
  const killed = await fetch([], kill)
  expect(killed.signal, whole(killed)).toBe('SIGKILL')
  const finished = await type([way])
  expect(finished.code, whole(finished)).toBe(0)
  if (way === 'resume') isHere(where)
  else expect(site.state()).toEqual(before)
})

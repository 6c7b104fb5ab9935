import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { Kill } from '../crash/kill.ts'
import { GithubApi, type KeptRepository } from '../fixtures/github-api.ts'
import { ReleaseSite } from '../fixtures/release-site.ts'
import { gitIn } from '../fixtures/repository.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const token = 'github_pat_canary_0123456789'
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

let site: ReleaseSite
let api: GithubApi
let repository: KeptRepository
let bundle: string
let lock: string
let snapshot: string
let before: ReturnType<ReleaseSite['state']>

beforeAll(async () => {
  site = await ReleaseSite.open()
  api = await GithubApi.open(token)
  const made = await site.snapshot()
  expect(made.code, whole(made)).toBe(0)
  ;[bundle = ''] = site.bundles()
  lock = bundle.replace('.tar.gz', '.lock.json')
  snapshot = await site.text(lock)
  before = site.state()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})
beforeEach(() => {
  writeFileSync(join(site.releases, lock), snapshot)
  repository = api.repository('team/codex', { 'v1.0.1': gitIn(site.checkout, ['rev-parse', 'HEAD']) })
  api.asked.length = 0
  api.slowness = 0
})

const type = (
  args: readonly string[],
  kill: Kill | null = null,
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> =>
  site.type(args, { kill, env: { GITHUB_TOKEN: token, PUBLISH_TO: api.address, ...env } })
const publish = (
  more: readonly string[] = [],
  kill: Kill | null = null,
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> => type(['run', 'release-publish', ...more], kill, env)

/** What a reader of the release sees, as a folder. */
async function fetched(): Promise<string> {
  const folder = join(site.folder, `fetched-${Date.now()}`)
  await mkdir(folder)
  for (const { name, body } of repository.releases[0]?.assets ?? []) writeFileSync(join(folder, name), body)
  return folder
}

async function isPublished(where: string): Promise<void> {
  expect(
    repository.releases.map(({ tag, draft, prerelease }) => ({ tag, draft, prerelease })),
    where,
  ).toEqual([{ tag: 'v1.0.1', draft: false, prerelease: false }])
  const now = await site.text(lock)
  expect(now, where).toBe(
    snapshot.replace(
      '"release_url": null',
      '"release_url": "https://github.example/team/codex/releases/tag/v1.0.1"',
    ),
  )
  const folder = await fetched()
  expect(readFileSync(join(folder, lock), 'utf8'), where).toBe(now)
  const check = spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(check.stdout, where).toBe(`${bundle}: OK\n${lock}: OK\n`)
}

const isAsBefore = (where: string): void => {
  expect(site.state(), where).toEqual(before)
  expect(api.state(), where).toEqual([])
}

it('looks and changes nothing in a dry run', async () => {
  const finished = await publish(['--dry-run'])
  expect(finished.code, whole(finished)).toBe(0)
  isAsBefore('dry run')
  expect(api.asked.filter(({ request }) => !request.startsWith('GET '))).toEqual([])
})

it('publishes the newest bundle over a bad line, and a second time changes nothing; the token stands nowhere', async () => {
  api.next(/^POST \/uploads/, 'cut')
  api.next(/^POST \/repos/, 'lost')
  const finished = await publish()
  expect(finished.code, whole(finished)).toBe(0)
  await isPublished('published')
  const [state, files] = [api.state(), site.state()]
  const again = await publish([], null, { TAG: 'v1.0.1' })
  expect(again.code, whole(again)).toBe(0)
  expect([api.state(), site.state()]).toEqual([state, files])
  expect(whole(finished) + whole(again)).not.toContain(token)
  expect(spawnSync('grep', ['-r', '-l', token, site.folder], { encoding: 'utf8' }).stdout).toBe('')
})

it('removes the draft and gives the lock file its bytes back where the release cannot be published', async () => {
  api.next(/^PATCH/, { status: 422, message: 'Cannot publish' })
  const finished = await publish()
  expect(finished.code, whole(finished)).toBe(10)
  expect(whole(finished)).toContain('Cannot publish')
  isAsBefore('late failure')
})

it.each<[string, Record<string, string>, () => void, string]>([
  [
    'a token that is not accepted',
    { GITHUB_TOKEN: 'another-token' },
    () => undefined,
    'the token is not accepted',
  ],
  ['no token', { GITHUB_TOKEN: '' }, () => undefined, 'GITHUB_TOKEN'],
  ['a tag that was not pushed', {}, () => repository.tags.clear(), 'git push origin v1.0.1'],
  [
    'a draft that lies about',
    {},
    () =>
      void repository.releases.push({
        id: 1,
        tag: 'v1.0.1',
        name: '',
        draft: true,
        prerelease: false,
        body: '',
        assets: [],
      }),
    'already has a draft for v1.0.1',
  ],
])('refuses %s', async (_, env, change, words) => {
  change()
  const state = api.state()
  const finished = await publish([], null, env)
  expect(finished.code, whole(finished)).toBe(3)
  expect(whole(finished)).toContain(words)
  expect([site.state(), api.state()]).toEqual([before, state])
})

const upload = 'upload-the-bundle-its-lock-file-and-sha256sums'
const last = 'publish-the-release'
it.each<[string, Kill, 'resume' | 'rollback']>([
  ['before the intent to upload', { when: 'before', type: 'intent', step: upload }, 'resume'],
  ['after the intent', { when: 'after', type: 'intent', step: upload }, 'rollback'],
  ['in the middle of the uploads', { when: 'during', type: 'intent', step: upload, wait: 700 }, 'rollback'],
  ['in the middle of the uploads', { when: 'during', type: 'intent', step: upload, wait: 700 }, 'resume'],
  ['after the uploads', { when: 'before', type: 'ended', step: upload }, 'resume'],
  ['after their outcome', { when: 'after', type: 'ended', step: upload }, 'rollback'],
  [
    'with a draft that it does not know of',
    { when: 'before', type: 'ended', step: 'make-a-draft-of-the-github-release' },
    'rollback',
  ],
  ['after the intent to publish', { when: 'after', type: 'intent', step: last }, 'resume'],
  ['after it was published', { when: 'before', type: 'ended', step: last }, 'rollback'],
  ['after it was published', { when: 'before', type: 'ended', step: last }, 'resume'],
])('killed %s (%j), then %s', async (where, kill, way) => {
  api.slowness = kill.when === 'during' ? 100 : 0
  const killed = await publish([], kill)
  expect(killed.signal, whole(killed)).toBe('SIGKILL')
  api.slowness = 0
  const finished = await type([way])
  expect(finished.code, whole(finished)).toBe(0)
  if (way === 'rollback') isAsBefore(where)
  else await isPublished(where)
})

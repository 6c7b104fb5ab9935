import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { githubReleases } from '../../src/adapters/github/releases.ts'
import type { ReleaseHost, Releases } from '../../src/drivers/releases.ts'
import { fakeClock, type FakeClock } from '../../src/testing/index.ts'
import { GithubApi } from '../fixtures/github-api.ts'
import { watchedScope, type WatchedScope } from '../fixtures/scope.ts'
import { secretsOf } from '../fixtures/secrets.ts'
import { commit, releasesContract } from './releases.contract.ts'

const token = 'token-canary-value'
const secrets = secretsOf({ TOKEN: token, OTHER_TOKEN: 'another-token' })

const hostOf = (api: GithubApi): ReleaseHost => ({
  api: api.address,
  repository: 'team/shop',
  token: { secret: 'TOKEN', from: { env: 'TOKEN' } },
})

releasesContract('GitHub, over HTTP', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'releases-'))
  const api = await GithubApi.open(token)
  const repository = api.repository('team/shop', { 'v1.0.1': commit })
  const host = hostOf(api)
  return {
    releases: githubReleases({ scope: watchedScope(), secrets, clock: fakeClock() }),
    host,
    stranger: { ...host, token: { secret: 'OTHER_TOKEN', from: { env: 'OTHER_TOKEN' } } },
    file: async (name, body) => {
      await writeFile(join(folder, name), body)
      return join(folder, name)
    },
    read: (path) => readFile(path).catch(() => null),
    cutOff: (id, name) =>
      void repository.releases
        .find((one) => one.id === id)
        ?.assets.push({ id: 1e6, name, body: Buffer.alloc(0), state: 'starter' }),
    close: async () => {
      await api[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
})

describe('GitHub, over a bad line', () => {
  let api: GithubApi
  let clock: FakeClock
  let scope: WatchedScope
  let releases: Releases
  let host: ReleaseHost
  beforeEach(async () => {
    api = await GithubApi.open(token)
    api.repository('team/shop', { 'v1.0.1': commit })
    clock = fakeClock()
    scope = watchedScope()
    host = hostOf(api)
    releases = githubReleases({ scope, secrets, clock })
  })
  afterEach(() => api[Symbol.asyncDispose]())

  const draft = { tag: 'v1.0.1', title: 'v1.0.1', notes: 'made by the test', prerelease: false }
  const posts = (): number => api.asked.filter(({ request }) => request.startsWith('POST /uploads')).length
  const limit = (more: Readonly<Record<string, string>>) => ({
    status: 403,
    message: 'API rate limit exceeded for user',
    headers: more,
  })

  it('waits for a limit that is lifted soon, and tells when one that is not will be', async () => {
    const began = clock.now().getTime()
    api.next(/./, limit({ 'retry-after': '30' }))
    api.next(
      /./,
      limit({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(began / 1000) + 50) }),
    )
    expect(await releases.commitOf(host, 'v1.0.1')).toBe(commit)
    expect(clock.now().getTime() - began).toBeGreaterThanOrEqual(50_000)
    api.next(
      /./,
      limit({
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Date.parse('2099-01-01T00:00:00Z') / 1000),
      }),
    )
    await expect(releases.draft(host, draft)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/rate limit exceeded until 2099-01-01T00:00:00\.000Z/),
    })
    expect(api.state()).toEqual([])
  })

  it('says that a token may not, where it is no limit that refuses', async () => {
    api.next(/^POST/, { status: 403, message: 'Resource not accessible by personal access token' })
    await expect(releases.draft(host, draft)).rejects.toMatchObject({
      message: expect.stringContaining('the token lacks permission'),
      hint: expect.stringContaining('set TOKEN to a token with write access to the contents of team/shop'),
    })
  })

  it.each(['cut', 'lost', 'half', { status: 502, message: 'Bad Gateway' }] as const)(
    'makes one draft where a request for it ends in %j',
    async (trouble) => {
      api.next(/^POST/, trouble)
      const { id } = await releases.draft(host, draft)
      expect(api.repositories.get('team/shop')?.releases.map((one) => one.id)).toEqual([id])
    },
  )

  it.each(['cut', 'lost', 'half', { status: 502, message: 'Bad Gateway' }] as const)(
    'uploads once where an upload ends in %j',
    async (trouble) => {
      const made = await releases.draft(host, draft)
      api.next(/^POST \/uploads/, trouble)
      const asset = await releases.upload(host, made, 'SHA256SUMS', { text: 'x'.repeat(300_000) })
      expect(asset).toMatchObject({ bytes: 300_000, whole: true })
      expect(api.repositories.get('team/shop')?.releases[0]?.assets).toMatchObject([{ state: 'uploaded' }])
      expect(posts()).toBe(trouble === 'lost' || trouble === 'half' ? 1 : 2)
      expect(scope.text()).toContain('again in 1 s')
    },
  )

  it('gives up an upload that is cut off again and again', async () => {
    const made = await releases.draft(host, draft)
    for (const _ of [1, 2, 3]) api.next(/^POST \/uploads/, 'cut')
    await expect(
      releases.upload(host, made, 'SHA256SUMS', { text: 'x'.repeat(300_000) }),
    ).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/cannot upload SHA256SUMS.*no answer/),
    })
    expect(posts()).toBe(3)
  })

  it('publishes where the answer is lost, and reads on where a server fails for a moment', async () => {
    const made = await releases.draft(host, draft)
    for (const trouble of ['lost', 'half', { status: 503, message: 'Unavailable' }] as const) {
      api.next(/^PATCH/, trouble)
      expect(await releases.publish(host, made)).toMatchObject({ draft: false })
    }
    for (const _ of [1, 2, 3]) api.next(/^GET/, { status: 500, message: 'oops' })
    await expect(releases.forTag(host, 'v1.0.1')).rejects.toThrow('the host answered 500, oops')
  })

  it('finds a draft behind more than a page of others', async () => {
    const made = await releases.draft(host, draft)
    const kept = api.repositories.get('team/shop')?.releases ?? []
    for (let id = 1; id <= 250; id += 1)
      kept.push({ id, tag: `v0.${id}`, name: '', draft: false, prerelease: false, body: '', assets: [] })
    expect(await releases.forTag(host, 'v1.0.1')).toEqual([made])
  })

  it('never shows its token to where files are stored, nor in a message or a log', async () => {
    const made = await releases.draft(host, draft)
    const asset = await releases.upload(host, made, 'x', { text: 'x' })
    await releases.fetched(host, asset)
    expect(api.asked.filter(({ request }) => request.startsWith('STORAGE'))).toEqual([
      { request: expect.any(String), authorization: undefined },
    ])
    api.next(/^POST/, { status: 418, message: 'teapot' })
    const thrown: unknown = await releases.draft(host, draft).catch((error: unknown) => error)
    expect(
      `${JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))} ${scope.text()} ${api.asked.map(({ request }) => request).join(' ')}`,
    ).not.toContain(token)
  })

  it('refuses answers that are none of GitHub, and one that leads elsewhere', async () => {
    api.next(/./, { status: 200, message: 'a portal' })
    await expect(releases.forTag(host, 'v1.0.1')).rejects.toThrow('unexpected response, not one of GitHub')
    api.next(/^POST/, { status: 307, message: 'moved', headers: { location: `${api.address}/elsewhere` } })
    await expect(releases.draft(host, draft)).resolves.toMatchObject({ draft: true })
    expect(api.asked.some(({ request }) => request.includes('elsewhere'))).toBe(false)
  })

  it('leaves nothing of a download that was cut off', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'releases-'))
    try {
      const asset = await releases.upload(host, await releases.draft(host, draft), 'x', {
        text: 'x'.repeat(300_000),
      })
      api.next(/^STORAGE/, 'half')
      await expect(releases.download(host, asset, join(folder, 'x'))).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(/connection lost after \d+ bytes/),
      })
      expect(await readdir(folder)).toEqual([])
      expect(await releases.download(host, asset, join(folder, 'x'))).toMatchObject({ bytes: 300_000 })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('stops an upload when it is told to', async () => {
    const made = await releases.draft(host, draft)
    const stop = new AbortController()
    const stopped = githubReleases({ scope: watchedScope({ signal: stop.signal }), secrets, clock })
    api.next(/^POST \/uploads/, 'cut')
    const gone = stopped.upload(host, made, 'x', { text: 'x' })
    stop.abort(new Error('stop'))
    await expect(gone).rejects.toThrow('stop')
  })

  it('takes a host that tells no digests', async () => {
    api.tellsDigests = false
    const made = await releases.draft(host, draft)
    expect(await releases.upload(host, made, 'x', { text: 'x' })).toMatchObject({ sha256: null, whole: true })
  })
})

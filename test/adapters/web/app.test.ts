import { beforeEach, describe, expect, test, vi } from 'vitest'
import { appFor } from '../../../src/adapters/web/app.ts'
import { isOwnName } from '../../../src/adapters/web/guard.ts'
import { Keys } from '../../../src/adapters/web/keys.ts'
import { mostFollowers } from '../../../src/adapters/web/live.ts'
import type { Site } from '../../../src/adapters/web/site.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { systemRandomness } from '../../../src/kernel/randomness.ts'
import { fakeClock } from '../../../src/testing/clock.ts'
import { fakeSite } from './fake-site.ts'

let keys: Keys
let stopped: AbortController
const onOpened = vi.fn()
const appOf = (more: Partial<Site> = {}) =>
  appFor(
    fakeSite(more),
    { keys, names: ['backup-host'], cookie: () => 'runbook-1', metricsToken: 'scraper-token-1234', onOpened },
    { clock: fakeClock(), stopped: stopped.signal },
  )
beforeEach(() => {
  keys = new Keys(systemRandomness)
  stopped = new AbortController()
  onOpened.mockReset()
})

const host = { host: '127.0.0.1:8790' }
const letIn = () => ({ ...host, cookie: `runbook-1=${keys.open(keys.link) ?? ''}` })

describe('who is let in', () => {
  test('a link works once, and its browser stays', async () => {
    const app = appOf()
    const token = keys.link
    const first = await app.request(`/targets/shop?token=${token}`, { headers: host })
    expect(first.status).toBe(303)
    expect(first.headers.get('location')).toBe('/targets/shop')
    const set = first.headers.get('set-cookie') ?? ''
    expect(set).toMatch(/^runbook-1=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(set).not.toContain(token)
    expect(onOpened).toHaveBeenCalledTimes(1)
    const cookie = set.split(';')[0] ?? ''
    expect((await app.request('/', { headers: { ...host, cookie } })).status).toBe(200)
    const again = await app.request(`/?token=${token}`, { headers: host })
    expect(again.status).toBe(401)
    expect(await again.text()).toContain('This link is wrong or was used before.')
    expect(keys.link).not.toBe(token)
    expect((await app.request(`/?token=${keys.link}`, { headers: host })).status).toBe(303)
  })

  test('looking at the head of a link does not use it up', async () => {
    const url = `/?token=${keys.link}`
    const app = appOf()
    expect((await app.request(url, { method: 'HEAD', headers: host })).status).toBe(401)
    expect((await app.request(url, { headers: host })).status).toBe(303)
  })

  test.each([
    ['without a cookie', {}],
    ['with an empty one', { cookie: 'runbook-1=' }],
    ['with a wrong one', { cookie: `runbook-1=${'A'.repeat(43)}` }],
    ['with the cookie of another server', { cookie: 'runbook-2=x' }],
  ])('nothing is shown %s', async (_, headers) => {
    const overview = vi.fn(async () => 'secret')
    const app = appOf({ overview })
    for (const path of [
      '/',
      '/targets/shop',
      '/runs/R1/evidence/report.html',
      '/runs/R1/events',
      '/nothing',
    ]) {
      const response = await app.request(path, { headers: { ...host, ...headers } })
      expect(response.status).toBe(401)
      expect(await response.text()).toContain('This browser has not been let in.')
    }
    expect(overview).not.toHaveBeenCalled()
  })

  test('the oldest of many browsers has to open a new link', () => {
    const sessions = Array.from({ length: 33 }, () => keys.open(keys.link) ?? '')
    expect(keys.admits(sessions[0] ?? '')).toBe(false)
    expect(sessions.slice(1).every((one) => keys.admits(one))).toBe(true)
    expect(new Set(sessions).size).toBe(33)
  })
})

describe('metrics', () => {
  const ask = (headers: Record<string, string>, path = '/metrics', more: Partial<Site> = {}) =>
    appOf(more).request(path, { headers: { ...host, ...headers } })
  const authorization = 'Bearer scraper-token-1234'

  test('are read with a token of their own, or by a browser that was let in', async () => {
    for (const headers of [{ authorization }, letIn()]) {
      const response = await ask(headers)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
      expect(await response.text()).toBe('runbook_x 1\n')
    }
  })

  test('the token opens nothing else', async () => {
    for (const path of ['/', '/metrics/', '/metrics/x', '/targets/shop', '/runs/R1/evidence/report.html'])
      expect((await ask({ authorization }, path)).status).toBe(401)
    expect((await ask({ cookie: 'runbook-1=scraper-token-1234' }, '/')).status).toBe(401)
    expect((await ask({}, '/metrics?token=scraper-token-1234')).status).toBe(401)
    expect((await ask({ authorization, host: 'evil.example' })).status).toBe(403)
  })

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Bearer null',
    'Basic scraper-token-1234',
    'scraper-token-1234',
  ])('%j is not the token', async (given) => {
    expect((await ask({ authorization: given })).status).toBe(401)
  })

  test('without a token no program may read them', async () => {
    const app = appFor(
      fakeSite(),
      { keys, names: [], cookie: () => 'c', metricsToken: null, onOpened },
      { clock: fakeClock(), stopped: stopped.signal },
    )
    for (const given of ['Bearer null', 'Bearer '])
      expect((await app.request('/metrics', { headers: { ...host, authorization: given } })).status).toBe(401)
  })

  test('a scrape before the first look fails', async () => {
    expect((await ask({ authorization }, '/metrics', { metrics: async () => null })).status).toBe(503)
  })
})

describe('a dry run', () => {
  const path = '/targets/shop/runbooks/restore/dry-run'
  const looking = vi.fn(async () => ({ status: 200, html: 'the dry run' }) as const)
  const ask = (headers: Record<string, string>, method = 'GET') =>
    appOf({ dryRun: looking }).request(path, { method, headers: { ...host, ...headers } })
  beforeEach(() => void looking.mockClear())

  test.each([{}, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }])(
    'is looked at for somebody who opens it: %o',
    async (more) => {
      const response = await ask({ ...letIn(), ...more })
      expect([response.status, await response.text()]).toEqual([200, 'the dry run'])
      expect(looking).toHaveBeenCalledTimes(1)
    },
  )

  test.each([
    ['without a cookie', () => ({}), 'GET', 401],
    [
      'for another port, which gets the cookie',
      () => ({ ...letIn(), 'sec-fetch-site': 'same-site' }),
      'GET',
      403,
    ],
    ['for another site', () => ({ ...letIn(), 'sec-fetch-site': 'cross-site' }), 'GET', 403],
    ['for a guess of the browser', () => ({ ...letIn(), 'sec-purpose': 'prefetch;prerender' }), 'GET', 403],
    ['for its head', letIn, 'HEAD', 200],
    ['with POST', letIn, 'POST', 405],
  ] as const)('is not looked at %s', async (_, headers, method, status) => {
    expect((await ask(headers(), method)).status).toBe(status)
    expect(looking).not.toHaveBeenCalled()
  })

  test('says when to ask again while another one goes on', async () => {
    const app = appOf({ dryRun: async () => ({ status: 503, html: 'busy' }) })
    const response = await app.request(path, { headers: letIn() })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10'])
  })

  test('ends with the server', async () => {
    let left: AbortSignal | null = null
    const app = appOf({
      dryRun: async (_, __, signal) => {
        left = signal
        return null
      },
    })
    await app.request(path, { headers: letIn() })
    stopped.abort()
    expect(left).toMatchObject({ aborted: true })
  })
})

describe('which name is answered to', () => {
  test.each([
    'evil.example',
    'evil.example:8790',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '',
    '[::1',
    'a b',
  ])('not to %j, although the cookie is right', async (name) => {
    const response = await appOf().request('/', { headers: { ...letIn(), host: name } })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('does not answer to this name')
  })

  test.each([
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost:9000',
    'LOCALHOST',
    '[::1]:8790',
    '192.0.2.7:80',
    'backup-host:8790',
  ])('to %s', async (name) => {
    expect((await appOf().request('/', { headers: { ...letIn(), host: name } })).status).toBe(200)
  })

  test('not without one', () => expect(isOwnName(undefined, [])).toBe(false))
})

describe('what is refused', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACEX'])('the method %s', async (method) => {
    for (const path of ['/', '/runs/R1', '/nothing']) {
      const response = await appOf().request(path, { method, headers: letIn() })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, HEAD')
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test.each([{ 'content-length': '1' }, { 'transfer-encoding': 'chunked' }])('a body: %o', async (more) => {
    expect((await appOf().request('/', { headers: { ...letIn(), ...more } })).status).toBe(400)
  })

  test.each([
    '/nothing',
    '/targets/other',
    '/targets/shop/runbooks/other',
    '/targets/shop/runbooks/other/graph',
    '/targets/shop/runbooks/other/dry-run',
    '/runs/R2',
    '/runs/R2/events',
    '/runs/R2/evidence',
    '/runs/R2/evidence/report.html',
    '/runs/R1/evidence/../../../etc/passwd',
    '/runs/R1/evidence/..%2f..%2fetc%2fpasswd',
    '/runs/R1/evidence/%2e%2e/x',
    '/runs/R1/evidence//etc/passwd',
    '/runs/%00',
    '/runs/%ff',
  ])('%s, which does not exist', async (path) => {
    const response = await appOf().request(path, { headers: letIn() })
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('There is no such page.')
  })
})

describe('what is shown', () => {
  test.each([
    ['/', 'the overview'],
    ['/targets/shop', 'the target null'],
    ['/targets/shop?runbook=restore', 'the target restore'],
    ['/targets/shop/runbooks/restore', 'the runbook'],
    ['/targets/shop/runbooks/restore/graph', 'flowchart TD'],
    ['/runs/R1', 'the run'],
    ['/runs/R1/evidence', 'the evidence'],
  ])('%s', async (path, text) => {
    const response = await appOf().request(path, { headers: letIn() })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(text)
    for (const [name, value] of [
      ['content-security-policy', 'page-policy'],
      ['cache-control', 'no-store'],
      ['referrer-policy', 'no-referrer'],
      ['x-content-type-options', 'nosniff'],
      ['x-frame-options', 'DENY'],
      ['cross-origin-resource-policy', 'same-origin'],
      ['access-control-allow-origin', null],
      ['strict-transport-security', null],
    ] as const)
      expect(response.headers.get(name), name).toBe(value)
    const head = await appOf().request(path, { method: 'HEAD', headers: letIn() })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each([
    ['report.html', 'text/html; charset=utf-8'],
    ['logs/01-a.log', 'text/plain; charset=utf-8'],
    ['logs%2F01-a.log', 'text/plain; charset=utf-8'],
  ])('the file %s, with a policy of its own', async (name, type) => {
    const response = await appOf().request(`/runs/R1/evidence/${name}`, { headers: letIn() })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('content-security-policy')).toBe('evidence-policy')
    expect(await response.text()).toBe('<script>alert(1)</script>')
    expect(response.headers.get('content-length')).toBe('25')
  })

  test('why a page cannot be shown', async () => {
    const overview = async () => {
      throw new RunbookError('journal', 'the journal is damaged', { hint: 'restore it' })
    }
    const response = await appOf({ overview }).request('/', { headers: letIn() })
    expect(response.status).toBe(500)
    expect(await response.text()).toBe('500 the journal is damaged restore it')
  })
})

describe('a run that is followed', () => {
  test('is sent as events until it is over', async () => {
    const states = ['one', 'one', 'two'].map((html) => ({ html, over: false }))
    const state = async () => states.shift() ?? { html: 'end', over: true }
    // The first answers whether there is such a run.
    states.unshift({ html: 'one', over: false })
    const response = await appOf({ state }).request('/runs/R1/events', { headers: letIn() })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toBe(
      'event: state\ndata: one\n\nevent: state\ndata: two\n\nevent: over\ndata: \n\n',
    )
  })

  test('is followed by a limited number of pages, and those that leave make room', async () => {
    const app = appOf({ state: async () => ({ html: 'same', over: false }) })
    const headers = letIn()
    const ask = () => app.request('/runs/R1/events', { headers })
    const followers = []
    for (let count = 0; count < mostFollowers; count += 1) followers.push(await ask())
    const refused = await ask()
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('30')
    await followers[0]?.body?.cancel()
    await vi.waitFor(async () => expect((await ask()).status).toBe(200))
    stopped.abort()
    for (const one of followers.slice(1)) expect(await one.text()).toContain('data: same')
  })
})

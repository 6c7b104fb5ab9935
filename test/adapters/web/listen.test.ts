import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { appFor } from '../../../src/adapters/web/app.ts'
import { Keys } from '../../../src/adapters/web/keys.ts'
import { listenOn, type Listening } from '../../../src/adapters/web/listen.ts'
import type { Site } from '../../../src/adapters/web/site.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { systemRandomness } from '../../../src/kernel/randomness.ts'
import { fakeSite } from './fake-site.ts'

const keys = new Keys(systemRandomness)
let stopped: AbortController
let server: Listening

async function start(more: Partial<Site> = {}) {
  stopped = new AbortController()
  const app = appFor(
    fakeSite(more),
    { keys, names: [], cookie: () => 'c', metricsToken: null, onOpened: () => undefined },
    { clock: systemClock, stopped: stopped.signal },
  )
  server = await listenOn(app, { host: '127.0.0.1', port: 0, clock: systemClock })
  const cookie = `c=${keys.open(keys.link) ?? ''}`
  return (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { cookie, ...headers } })
}
afterEach(async () => {
  stopped.abort()
  await server.close()
})

/** Sends bytes as they are, and returns all that is answered. */
async function raw(request: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  socket.write(request)
  return text(socket)
}

test('pages are served over the network', async () => {
  const get = await start()
  expect(await (await get('/')).text()).toBe('the overview')
  expect(await (await get('/runs/R1/evidence/report.html')).text()).toBe('<script>alert(1)</script>')
})

test('headers that are too long are refused before anything reads them', async () => {
  const get = await start()
  expect((await get('/', { x: 'a'.repeat(20_000) })).status).toBe(431)
  expect(await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431 /,
  )
})

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['two lengths', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ['no name', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['two names', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 403],
  [
    'another name in the line',
    'GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    401,
  ],
  ['a tunnel', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', null],
  [
    'another protocol',
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n\r\n',
    401,
  ],
])('%s opens nothing', async (_, request, status) => {
  await start()
  const answer = await raw(request)
  expect(answer).not.toContain('the overview')
  expect(answer).toMatch(status === null ? /^$/ : new RegExp(`^HTTP/1.1 ${status} `))
})

test('a client that leaves ends its stream', async () => {
  let asked = 0
  const get = await start({
    state: async () => {
      asked += 1
      return { html: `${asked}`, over: false }
    },
  })
  const response = await get('/runs/R1/events')
  const reader = response.body?.getReader()
  await reader?.read()
  await reader?.cancel()
  await systemClock.sleep(300)
  const then = asked
  await systemClock.sleep(1_500)
  expect(asked - then).toBeLessThanOrEqual(1)
})

test('the end of the server is the end of its streams, and of what hangs', async () => {
  const get = await start({
    state: async () => ({ html: 'now', over: false }),
    overview: () => new Promise<string>(() => undefined),
  })
  const events = (await get('/runs/R1/events')).text()
  const hanging = get('/').catch(() => 'closed')
  await systemClock.sleep(100)
  stopped.abort()
  await server.close()
  expect(await events).toBe('event: state\ndata: now\n\n')
  expect(await hanging).toBe('closed')
})

test('a port that is taken is named', async () => {
  await start()
  const app = appFor(
    fakeSite(),
    { keys, names: [], cookie: () => 'c', metricsToken: null, onOpened: () => undefined },
    { clock: systemClock, stopped: stopped.signal },
  )
  await expect(listenOn(app, { host: '127.0.0.1', port: server.port, clock: systemClock })).rejects.toThrow(
    `cannot listen on 127.0.0.1, port ${server.port}: another program listens there`,
  )
})

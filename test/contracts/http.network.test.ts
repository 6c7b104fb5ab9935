import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net'
import { json as readJson } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { httpFor } from '../../src/adapters/http/http.ts'
import { secretsFrom } from '../../src/adapters/environment/secrets.ts'
import type { Json } from '../../src/kernel/json.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { basic, httpContract, token, type ScriptedAnswer } from './http.contract.ts'

const secrets = secretsFrom({ environment: { TOKEN: token }, register: () => undefined })
const options = { timeoutSeconds: 5, bearer: null }
const open: (Server | TcpServer)[] = []

afterEach(async () => {
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listening<S extends Server | TcpServer>(server: S): Promise<string> {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serving = (
  answer: (
    path: string,
    response: ServerResponse,
    authorization: string | undefined,
    request: IncomingMessage,
  ) => unknown,
): Promise<string> =>
  listening(
    createServer((request, response) =>
      answer(request.url ?? '', response, request.headers.authorization, request),
    ),
  )

httpContract('over the network', async () => {
  const environment: Record<string, string> = { TOKEN: token, BASIC: basic }
  const posted: { path: string; key: string; body: Json }[] = []
  const scripts = new Map<string, ScriptedAnswer[]>()
  const asked: { path: string; bearer: string | null }[] = []
  const host = await serving(async (path, response, authorization, request) => {
    asked.push({ path, bearer: authorization?.replace('Bearer ', '') ?? null })
    if (request.method === 'POST')
      posted.push({
        path,
        key: String(request.headers['idempotency-key']),
        body: (await readJson(request)) as Json,
      })
    const script = scripts.get(path) ?? []
    const answer = script.length > 1 ? script.shift() : script[0]
    if (answer === undefined || answer === 'timed out') return
    response
      .writeHead(answer.status, answer.redirect === undefined ? {} : { location: answer.redirect })
      .end(answer.body)
  })
  const elsewhere = await serving((path, response) => {
    asked.push({ path: `elsewhere ${path}`, bearer: null })
    response.end()
  })
  const gone = createTcpServer()
  const dead = await listening(gone)
  await new Promise((resolve) => gone.close(resolve))
  open.splice(open.indexOf(gone), 1)
  return {
    http: httpFor(watchedScope(), secretsFrom({ environment, register: () => undefined })),
    answers: async (path, ...script) => {
      scripts.set(path, [...script])
      return `http://${host}${path}`
    },
    dead: `http://${dead}/`,
    elsewhere: `http://${elsewhere}/`,
    asked: () => asked,
    posted: () => posted,
    hook: (url) => void (environment['HOOK'] = url),
  }
})

describe('http over the network', () => {
  const http = httpFor(watchedScope(), secrets)

  it('says that a name was not found', async () => {
    await expect(http.get('http://nowhere.invalid/health', options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('host name nowhere.invalid not found'),
      hint: 'check: getent hosts nowhere.invalid',
    })
  })

  it('opens a new connection for each request', async () => {
    const ports: (number | undefined)[] = []
    const server = createServer((request, response) => {
      ports.push(request.socket.remotePort)
      response.end(request.headers.connection)
    })
    const host = await listening(server)
    const first = await http.get(`http://${host}/`, options)
    await http.get(`http://${host}/`, options)
    expect(first.excerpt).toBe('close')
    expect(new Set(ports).size).toBe(2)
  })

  it('stops reading an answer without end', async () => {
    let sent = 0
    const host = await serving((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384, 'x'))) sent += 16_384
      }
      response.on('drain', more).on('error', () => undefined)
      more()
    })
    const answer = await http.get(`http://${host}/`, options)
    expect(answer).toMatchObject({ status: 200, json: null, excerpt: 'x'.repeat(200) })
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  it('bounds the whole answer by the time-out, not only its beginning', async () => {
    const host = await serving((_, response) => {
      response.write('{"status":')
    })
    await expect(http.get(`http://${host}/`, { timeoutSeconds: 0.2, bearer: null })).rejects.toThrow(
      'timed out',
    )
  })

  it('says that the connection was closed, or that it is no HTTP', async () => {
    const closing = await listening(
      createTcpServer((socket) =>
        socket.on('error', () => undefined).once('data', () => socket.resetAndDestroy()),
      ),
    )
    await expect(http.get(`http://${closing}/`, options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('closed before an answer'),
    })
    const other = await listening(
      createTcpServer((socket) =>
        socket
          .on('error', () => undefined)
          .resume()
          .end('SSH-2.0-OpenSSH_9.2\r\n'),
      ),
    )
    await expect(http.get(`http://${other}/`, options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('not valid HTTP'),
    })
  })

  it('does not follow a redirect to another port, to another scheme, or to nothing sensible', async () => {
    for (const location of [
      'http://localhost:1/',
      'file:///etc/passwd',
      'https://127.0.0.1/',
      'http://[',
      '//elsewhere.invalid/',
    ]) {
      const host = await serving((_, response) => void response.writeHead(302, { location }).end())
      await expect(http.get(`http://${host}/`, options), location).rejects.toThrow(
        'redirected to another host',
      )
    }
  })

  it('shows neither a password in an address nor control characters of an answer', async () => {
    const host = await serving((_, response) => void response.end('\u001b]0;owned\u0007\u001b[2Jdone\n'))
    expect((await http.get(`http://${host}/`, options)).excerpt).toBe(
      '\u{fffd}]0;owned\u{fffd}\u{fffd}[2Jdone\n',
    )
    await expect(http.get(`http://user:canary-password@127.0.0.1:1/`, options)).rejects.toMatchObject({
      message: expect.not.stringContaining('canary'),
    })
  })

  it("ends with the step's own reason when the step is stopped", async () => {
    const host = await serving(() => undefined)
    const stop = new AbortController()
    const waiting = httpFor({ signal: stop.signal }, secrets).get(`http://${host}/`, options)
    stop.abort(new Error('stopped by Ctrl-C'))
    await expect(waiting).rejects.toThrow('stopped by Ctrl-C')
  })

  it('refuses when the token cannot be read, before any request', async () => {
    let asked = 0
    const host = await serving((_, response) => {
      asked++
      response.end()
    })
    const bearer = { secret: 'token', from: { env: 'NOT_SET' } }
    await expect(http.get(`http://${host}/`, { timeoutSeconds: 5, bearer })).rejects.toMatchObject({
      code: 'preflight',
    })
    expect(asked).toBe(0)
  })
})

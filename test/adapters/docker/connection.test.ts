import { execFileSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dockerEngine, errorOf, statusOf } from '../../../src/adapters/docker/connection.ts'
import { composeServices } from '../../../src/adapters/docker/services.ts'
import { watchedScope } from '../../fixtures/scope.ts'

/** A daemon that does with a request what the test says. */
describe('a Docker daemon in trouble', () => {
  let folder: string
  let server: Server
  let answer: (response: ServerResponse, path: string) => void
  let socket: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rbtest-'))
    socket = join(folder, 'docker.sock')
    answer = () => undefined
    server = createServer((request, response) => answer(response, request.url ?? ''))
    server.listen(socket)
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const engine = () => dockerEngine({ DOCKER_HOST: `unix://${socket}` }, 0.5)
  const ping = { doing: 'say hello', ask: (docker: { ping(): Promise<unknown> }) => docker.ping() }
  const stop = (seconds: number) => ({
    doing: 'stop web',
    changesWithinSeconds: seconds,
    ask: (docker: { getContainer(id: string): { stop(): Promise<unknown> } }) =>
      docker.getContainer('web').stop(),
  })

  test('that takes the connection and says nothing is refused in bounded time, naming the socket', async () => {
    await expect(engine().ask(watchedScope(), ping)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringMatching(
        new RegExp(
          `^cannot say hello: Docker does not answer at \\S*${socket} \\(no answer within 0.5 s\\)$`,
        ),
      ),
      hint: 'check: docker info',
    })
  })

  test('is asked without what builds images and reaches daemons by SSH', async () => {
    answer = (response) => response.end('OK')
    const loaded = fileURLToPath(new URL('../../fixtures/docker-client-loads.ts', import.meta.url))
    const of = (...host: readonly string[]): readonly string[] =>
      execFileSync(process.execPath, [loaded, ...host], { encoding: 'utf8' })
        .trim()
        .split('\n')
    const local = of(`unix://${socket}`)
    expect(local).toContain('dockerode')
    for (const name of ['ssh2', '@grpc/grpc-js', 'protobufjs', 'tar-fs']) expect(local).not.toContain(name)
    expect(of('ssh://nobody@127.0.0.1:1')).toContain('ssh2')
  })

  test('that is not there is refused', async () => {
    await expect(
      dockerEngine({ DOCKER_HOST: `unix://${folder}/none.sock` }).ask(watchedScope(), ping),
    ).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('ENOENT'),
    })
    await expect(
      dockerEngine({ DOCKER_HOST: 'tcp://127.0.0.1:1' }).ask(watchedScope(), ping),
    ).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('that this account may not use is refused with what permits it', async () => {
    const endpoint = { host: `unix://${folder}/own.sock`, options: { socketPath: `${folder}/own.sock` } }
    const denied = Object.assign(new Error('connect EACCES'), { code: 'EACCES' })
    expect(errorOf(denied, ping, endpoint)).toMatchObject({
      code: 'preflight',
      hint: `add this account to the group that owns the socket, and log in again: sudo usermod --append --groups "$(stat --format %G ${folder}/own.sock)" "$USER"; or set DOCKER_HOST`,
    })
  })

  test('that dies before it answers leaves a change undecided', async () => {
    answer = (response) => response.socket?.destroy()
    await expect(engine().ask(watchedScope(), stop(10))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('lost the connection to Docker'),
    })
  })

  test('that dies in the middle of an answer does not keep us waiting', async () => {
    answer = (response) => {
      response.writeHead(200, { 'Content-Length': 100 })
      response.write('half of ')
      setTimeout(() => response.socket?.destroy(), 50)
    }
    await expect(engine().ask(watchedScope(), stop(0.5))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('lost the connection to Docker'),
    })
  })

  test('that hangs in a change is given up after the time of the change', async () => {
    await expect(engine().ask(watchedScope(), stop(0.5))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('no answer within 0.5 s'),
    })
  })

  test('that refuses is quoted, with the status', async () => {
    answer = (response) => {
      response.writeHead(500, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ message: 'device or resource busy' }))
    }
    const refused: unknown = await engine()
      .ask(watchedScope(), stop(5))
      .catch((thrown: unknown) => thrown)
    expect(refused).toMatchObject({
      code: 'failed',
      message: 'cannot stop web: Docker refused: device or resource busy',
    })
    expect(statusOf(refused)).toBe(500)
  })

  test('an abort rejects with its reason', async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const outcome = expect(engine().ask(watchedScope({ signal: abort.signal }), stop(60))).rejects.toBe(
      reason,
    )
    setTimeout(() => abort.abort(reason), 50)
    await outcome
  })

  test('no command is started for a daemon that says nothing', async () => {
    const scope = watchedScope()
    const stack = {
      kind: 'compose',
      project: 'shop',
      directory: folder,
      files: [],
      envFiles: [],
      profiles: [],
      environment: {},
    } as const
    await expect(
      composeServices({ scope, engine: engine() }).up({ stack, names: ['web'] }),
    ).rejects.toMatchObject({ code: 'preflight' })
    expect(scope.children).toEqual([])
  })
})

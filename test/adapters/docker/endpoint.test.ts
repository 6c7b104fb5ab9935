import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endpointOf, findEndpoint } from '../../../src/adapters/docker/endpoint.ts'

describe('where the Docker daemon is', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rbtest-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const context = async (name: string, host: string): Promise<void> => {
    const place = join(folder, 'contexts', 'meta', createHash('sha256').update(name).digest('hex'))
    await mkdir(place, { recursive: true })
    await writeFile(
      join(place, 'meta.json'),
      JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
    )
  }

  test('is the standard socket where nothing says otherwise', async () => {
    expect((await findEndpoint({ DOCKER_CONFIG: folder })).options).toEqual({
      socketPath: '/var/run/docker.sock',
    })
  })

  test('is what DOCKER_HOST, then DOCKER_CONTEXT, then the current context says, as the docker command has it', async () => {
    await context('near', 'unix:///run/near.sock')
    await context('far', 'unix:///run/far.sock')
    await writeFile(join(folder, 'config.json'), JSON.stringify({ currentContext: 'near' }))
    const host = async (more: { readonly [name: string]: string }) =>
      (await findEndpoint({ DOCKER_CONFIG: folder, ...more })).host
    expect(await host({})).toBe('unix:///run/near.sock')
    expect(await host({ DOCKER_CONTEXT: 'far' })).toBe('unix:///run/far.sock')
    expect(await host({ DOCKER_CONTEXT: 'far', DOCKER_HOST: 'tcp://10.0.0.1:2375' })).toBe(
      'tcp://10.0.0.1:2375',
    )
    await expect(host({ DOCKER_CONTEXT: 'gone' })).rejects.toMatchObject({
      code: 'preflight',
      hint: 'check: docker context ls',
    })
  })

  test.each([
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['tcp://db1:2375', { protocol: 'http', host: 'db1', port: '2375' }],
    ['db1', { protocol: 'http', host: 'db1', port: 2375 }],
    [
      'ssh://ops@db1',
      { protocol: 'ssh', host: 'db1', port: 22, username: 'ops', sshOptions: { agent: '/run/agent' } },
    ],
  ])('%s is understood', (host, options) => {
    expect(endpointOf(host, null, { SSH_AUTH_SOCK: '/run/agent' }).options).toEqual(options)
  })

  test('with certificates it is TLS', () => {
    const tls = { ca: 'a', cert: 'b', key: 'c' }
    expect(endpointOf('tcp://db1', tls).options).toEqual({
      protocol: 'https',
      host: 'db1',
      port: 2376,
      ...tls,
    })
  })
})

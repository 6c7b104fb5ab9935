import { execa } from 'execa'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { mustBeWritable } from '../../src/adapters/docker/volume-helper.ts'
import { dockerVolumes } from '../../src/adapters/docker/volumes.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { volumesContract } from './volumes.contract.ts'

const setUp =
  'rm -rf /data/* /data/.[a-z]*; mkdir /data/docs; printf live >/data/live; chown 1000:1001 /data/live; chmod 600 /data/live; ln -s live /data/link; echo 1 >/data/docs/one; echo 2 >/data/docs/.two'

describe.skipIf(!docker())('with Docker', () => {
  let fixture: BusyboxStack
  const scope = watchedScope({ run: 'run-of-volumes' })

  beforeAll(async () => {
    fixture = await busyboxStack(`
services:
  api: { image: "runbook-test/busybox:1", ${testLabel}, network_mode: none, stop_grace_period: 0s, command: ["sh", "-c", "${setUp}; exec sleep 1000"], volumes: ["/data"] }
  gone: { image: "runbook-test/busybox:1", ${testLabel}, network_mode: none, command: ["true"], volumes: ["/data"] }
`)
    await composeServices({ scope }).up({ stack: fixture.stack, names: ['api'] })
    await eventually(
      async () =>
        (await execa('docker', ['exec', await api(), 'ls', '/data/docs/.two'], { reject: false }))
          .exitCode === 0,
      'the volume is laid out',
    )
    await composeServices({ scope }).stop({ stack: fixture.stack, names: ['api'] }, 0)
  }, 60_000)
  afterAll(() => fixture?.close())

  const api = async (): Promise<string> => (await fixture.ids('com.docker.compose.service=api'))[0] ?? ''

  volumesContract('of a stopped container', async () => ({
    volumes: dockerVolumes({ scope }),
    stack: fixture.stack,
    lay: async (name, body) => {
      await writeFile(join(fixture.stack.directory, name), body)
      return join(fixture.stack.directory, name)
    },
    body: (path) => readFile(path).catch(() => null),
    free: (name) => join(fixture.stack.directory, name),
    append: async (path, text) => {
      const label = `runbook.test-stack=${process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand'}`
      const run = ['run', '--rm', '--network=none', `--label=${label}`, '--volumes-from', await api()]
      const write = ['sh', '-c', 'printf %s "$1" >>"$0"', path, text]
      await execa('docker', [...run, 'runbook-test/busybox:1', ...write])
    },
    ahead: dockerVolumes({ scope: { ...scope, ahead: true } }),
  }))

  describe('on the real engine', () => {
    let id: string
    beforeEach(async () => {
      id = await api()
    })

    it('T.1: an exec cannot reach what is stopped, and this does', async () => {
      expect(
        (await execa('docker', ['exec', id, 'chmod', '600', '/data/live'], { reject: false })).stderr,
      ).toMatch(/is not running/)
      expect(
        await dockerVolumes({ scope }).stat({ stack: fixture.stack, service: 'api', path: '/data/live' }),
      ).toMatchObject({ uid: 1000, gid: 1001, mode: 0o600 })
    })

    it('leaves no container behind', async () => {
      const { stdout } = await execa('docker', [
        'ps',
        '--all',
        '--quiet',
        '--filter',
        'label=runbook.run=run-of-volumes',
      ])
      expect(stdout).toBe('')
    })

    it('refuses a path with dots, an empty one, and the root', async () => {
      for (const path of ['/data/../etc/passwd', 'data/live', '/', '/data/', '/data/\0']) {
        await expect(
          dockerVolumes({ scope }).stat({ stack: fixture.stack, service: 'api', path }),
          path,
        ).rejects.toMatchObject({ code: 'usage' })
      }
    })
  })
})

it.each([
  ['/data/file', null],
  ['/data/ro/file', 'cannot change /data/ro/file of api: it is in a read-only volume'],
  ['/database/file', 'cannot change /database/file of api: it is in no volume'],
  ['/run/file', 'cannot change /run/file of api: it is in no volume'],
  ['/data', 'cannot change /data of api: it is in no volume'],
])('a change at %s', (path, refused) => {
  const mounts = [
    { Type: 'volume', Destination: '/data', RW: true },
    { Type: 'bind', Destination: '/data/ro', RW: false },
    { Type: 'tmpfs', Destination: '/run', RW: true },
  ]
  if (refused === null) expect(() => mustBeWritable(path, 'api', mounts)).not.toThrow()
  else expect(() => mustBeWritable(path, 'api', mounts)).toThrow(refused)
})

import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { composeServices } from '../../../src/adapters/docker/services.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../../fixtures/busybox-stack.ts'
import { registryWith } from '../../fixtures/registry.ts'
import { docker } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const serve = `image: "runbook-test/busybox:1", ${testLabel}, init: true, command: ["sleep", "1000"]`

describe.skipIf(!docker())('services of a Compose project', () => {
  let fixture: BusyboxStack
  const open = async (text: string): Promise<void> => {
    fixture = await busyboxStack(text)
  }
  afterEach(() => fixture?.close())

  const services = (scope = watchedScope()) => composeServices({ scope })
  const group = (...names: readonly string[]) => ({ stack: fixture.stack, names })
  const statesOf = async (...names: readonly string[]) =>
    (await services().states(group(...names))).map(({ state }) => state)

  test('have their images fetched, and are left as they are', async () => {
    await using registry = await registryWith('runbook-test/busybox:1', 'shop/web:1.4.0')
    await open(`services: { web: { image: "${registry.reference}", ${testLabel} } }`)
    try {
      await services().pull(group('web'))
      expect((await execa('docker', ['image', 'inspect', registry.reference])).exitCode).toBe(0)
      expect(await statesOf('web')).toEqual(['missing'])
    } finally {
      await execa('docker', ['image', 'rm', registry.reference], { reject: false })
    }
  })

  test('say which image cannot be fetched', async () => {
    await open(`services: { web: { image: "127.0.0.1:9/shop/web:1.4.0", ${testLabel} } }`)
    await expect(services().pull(group('web'))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('pull the images of web'),
    })
  })

  test('are made anew where a Compose that was killed left the successor of one behind', async () => {
    await open(`services: { web: { ${serve} } }`)
    await services().up(group('web'))
    const [old = ''] = await fixture.ids()
    const { stdout } = await execa('docker', ['inspect', '--format', '{{json .Config.Labels}}', old])
    const labels = Object.entries({
      ...(JSON.parse(stdout) as object),
      'com.docker.compose.replace': old,
    }).flatMap(([name, value]) => ['--label', `${name}=${value}`])
    // It takes its second to stop, and so stands in the way when Compose makes the next.
    const leftover = [
      '--name',
      `${old.slice(0, 12)}_${fixture.stack.project}-web-1`,
      '--stop-timeout',
      '1',
      ...labels,
    ]
    await execa('docker', [
      'run',
      '--detach',
      '--network',
      'none',
      ...leftover,
      'runbook-test/busybox:1',
      'sh',
      '-c',
      'trap "" TERM; while :; do sleep 0.1; done',
    ])
    await services().recreate(group('web'))
    expect(await statesOf('web')).toEqual(['running'])
    expect(await fixture.ids()).toEqual([expect.not.stringMatching(old)])
  })

  describe('that depend on one another', () => {
    beforeEach(() =>
      open(`
services:
  web: { ${serve}, depends_on: { db: { condition: service_started } } }
  db: { ${serve} }
  smoke: { image: "runbook-test/busybox:1", ${testLabel}, depends_on: [web], profiles: [smoke], command: ["true"] }
`),
    )

    test('nothing but what was named is ever started or made anew', async () => {
      await services().up(group('db', 'web'))
      const [db] = await fixture.ids('com.docker.compose.service=db')
      await services().stop(group('db'), 1)
      await services().start(group('web'))
      await services().up(group('web'))
      expect(await services().runOneOff(fixture.stack, 'smoke', [])).toEqual({ exitCode: 0 })
      expect(await statesOf('db', 'web')).toEqual(['stopped', 'running'])
      expect(await fixture.ids('com.docker.compose.service=db')).toEqual([db])
    })

    test('facts name what is behind a profile too, and both programs', async () => {
      const { services: names, manager } = await services().facts(fixture.stack)
      expect(names).toEqual(['db', 'smoke', 'web'])
      expect(manager).toMatch(/^docker \d+\.\d+.*, compose 2\.\d+/)
    })

    test('those that exist can be stopped and started though the files cannot be read any more', async () => {
      await services().up(group('web'))
      await fixture.write('services: [')
      await services().stop(group('web'), 1)
      expect(await statesOf('web')).toEqual(['stopped'])
      await services().start(group('web'))
      expect(await statesOf('web')).toEqual(['running'])
      await expect(services().up(group('web'))).rejects.toMatchObject({ code: 'failed' })
      await expect(services().facts(fixture.stack)).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringContaining('cannot read the Compose files'),
      })
    })

    test('paused ones are brought back', async () => {
      await services().up(group('db'))
      await execa('docker', ['pause', ...(await fixture.ids())])
      expect(await statesOf('db')).toEqual(['paused'])
      await services().start(group('db'))
      expect(await statesOf('db')).toEqual(['running'])
    })

    test('a service of several containers is stopped when all of them are', async () => {
      await services().up(group('db'))
      await execa(
        'docker',
        [
          'compose',
          '--project-name',
          fixture.stack.project,
          '--file',
          fixture.stack.files[0]!,
          'up',
          '--detach',
          '--no-deps',
          '--scale',
          'db=2',
          'db',
        ],
        { env: fixture.stack.environment },
      )
      const [state] = await services().states(group('db'))
      expect(state?.instances).toHaveLength(2)
      await services().stop(group('db'), 1)
      expect(await statesOf('db')).toEqual(['stopped'])
      await services().start(group('db'))
      expect((await services().states(group('db')))[0]).toMatchObject({
        state: 'running',
        instances: [{ exitCode: null }, { exitCode: null }],
      })
    })
  })

  describe('with variables', () => {
    beforeEach(() =>
      open(`
services:
  web: { ${serve}, environment: { PASSWORD: "\${SHOP_PASSWORD:-}" } }
`),
    )

    test("are resolved from the stack alone: neither the operator's shell nor a secret gets out", async () => {
      const scope = watchedScope()
      const secret = {
        ...fixture.stack,
        environment: { ...fixture.stack.environment, SHOP_PASSWORD: 'canary-1234' },
      }
      const { configDigest } = await services(scope).facts(secret)
      expect((await services().facts(fixture.stack)).configDigest).not.toBe(configDigest)
      process.env['SHOP_PASSWORD'] = 'from the shell of the operator'
      try {
        expect((await services().facts(secret)).configDigest).toBe(configDigest)
        await services(scope).up({ stack: secret, names: ['web'] })
      } finally {
        delete process.env['SHOP_PASSWORD']
      }
      const { stdout } = await execa('docker', ['exec', (await fixture.ids())[0]!, 'env'])
      expect(stdout).toContain('PASSWORD=canary-1234')
      expect(scope.text()).not.toContain('canary-1234')
    })
  })

  describe('that run once', () => {
    beforeEach(() =>
      open(`
services:
  hungry: { image: "runbook-test/busybox:1", ${testLabel}, mem_limit: 16m, memswap_limit: 16m, command: ["sh", "-c", "tail /dev/zero"] }
  built: { build: { dockerfile_inline: "FROM runbook-test/busybox:1" }, ${testLabel}, command: ["true"] }
  lost: { image: "runbook-test/busybox:1", ${testLabel}, command: ["no-such-program-here"] }
`),
    )

    test('one that ran out of memory is named as such', async () => {
      await expect(services().runOneOff(fixture.stack, 'hungry', [])).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('out of memory'),
      })
      expect(await fixture.ids()).toEqual([])
    })

    test('an image that would have to be built is refused, and nothing is built', async () => {
      await expect(services().runOneOff(fixture.stack, 'built', [])).rejects.toMatchObject({
        code: 'preflight',
        hint: expect.stringContaining('build built'),
      })
      const built = await execa('docker', ['image', 'inspect', `${fixture.stack.project}-built`], {
        reject: false,
      })
      expect(built.exitCode).not.toBe(0)
    })

    test('one whose program is missing did not run, and leaves nothing', async () => {
      await expect(services().runOneOff(fixture.stack, 'lost', [])).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('no-such-program-here'),
      })
      expect(await fixture.ids()).toEqual([])
    })
  })
})

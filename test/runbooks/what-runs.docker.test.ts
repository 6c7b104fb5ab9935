import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { endOf } from '../fixtures/commands.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 })

const root = join(import.meta.dirname, '..', '..')
const repository = `whatruns-${Math.random().toString(36).slice(2, 10)}/web`
const said = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

describe.skipIf(!docker())('what runs against what is configured', () => {
  let shop: BusyboxStack
  let override: string
  const names = ['web', 'worker']

  /** `target` of the configuration. */
  const run = (target: string, ...args: readonly string[]): Promise<Finished> =>
    endOf(['run', 'rapid-rollback', '--target', target, ...args], {
      cwd: shop.stack.directory,
      env: { NO_COLOR: '1', HOME: shop.stack.directory },
    })
  const compose = (...args: readonly string[]) =>
    execa(
      'docker',
      [
        'compose',
        '--project-name',
        shop.stack.project,
        ...[...shop.stack.files, override].flatMap((file) => ['--file', file]),
        ...args,
      ],
      { cwd: shop.stack.directory, env: shop.stack.environment, stdin: 'ignore' },
    )
  /** How every container was created, and what it runs. */
  const running = async (): Promise<unknown> => {
    const driver = composeServices({ scope: watchedScope() })
    const group = { stack: { ...shop.stack, files: [...shop.stack.files, override] }, names }
    const [states, creations] = await Promise.all([driver.states(group), driver.creations(group)])
    return [
      states.map(({ service, state, instances }) => [
        service,
        state,
        instances.map(({ imageId }) => imageId),
      ]),
      creations.map((one) => ({ ...one, instance: '' })),
    ]
  }

  beforeAll(async () => {
    for (const [tag, file] of [
      ['1.3', 'nothing'],
      ['1.4', 'health'],
      ['1.5', 'elsewhere'],
    ]) {
      await execa('docker', ['build', '--quiet', '--tag', `${repository}:${tag}`, '-'], {
        input: `FROM runbook-test/busybox:1\nENV FILE="${file}"\n`,
      })
    }
    const [port, front] = await freePorts(2)
    const command =
      'command: ["sh", "-c", "mkdir -p /srv && echo ok > /srv/$$FILE && exec httpd -f -p 80 -h /srv"]'
    shop = await busyboxStack(`
services:
  web: { image: "${repository}:\${IMAGE_TAG}", init: true, ${testLabel}, ${command}, ports: ["127.0.0.1:${port}:80"] }
  worker: { image: "${repository}:\${IMAGE_TAG}", init: true, ${testLabel}, command: [sleep, "1000"] }
  front: { image: "runbook-test/busybox:1", init: true, ${testLabel}, command: ["sh", "-c", "mkdir /srv && echo ok > /srv/health && exec httpd -f -p 80 -h /srv"], ports: ["127.0.0.1:${front}:80"] }
`)
    const { directory, project, files, environment } = shop.stack
    override = join(directory, 'compose.override.yml')
    await writeFile(
      override,
      'services: { web: { environment: { STAGE: production }, volumes: ["data:/data"] } }\nvolumes: { data: {} }\n',
    )
    const target = (given: readonly string[], name: string, at = port): string =>
      JSON.stringify({
        stack: { kind: 'compose', project: name, files: given, envFiles: ['.env'], environment },
        app: names,
        version: { services: names, image: `${repository}:{tag}`, pull: 'missing' },
        health: [{ name: 'web', url: `http://127.0.0.1:${at}/health`, every: '200ms', within: '4s' }],
      })
    await writeFile(
      join(directory, 'runbook.config.ts'),
      `export default { runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state', targets: {
  lacking: ${target(files, project)},
  wrong: ${target([...files, override], `${project}-wrong`)},
  right: ${target([...files, override], project)},
  behind: ${target([...files, override], project, front)},
} }\n`,
      { mode: 0o600 },
    )
  })
  afterAll(async () => {
    await compose('down', '--volumes', '--timeout', '1').catch(() => undefined)
    await shop.close()
    await execa('docker', ['rmi', '--force', ...['1.3', '1.4', '1.5'].map((tag) => `${repository}:${tag}`)], {
      reject: false,
    })
  })
  beforeEach(async () => {
    await writeFile(join(shop.stack.directory, '.env'), 'IMAGE_TAG=1.5\n')
    await compose('up', '--detach', '--no-build', '--timeout', '1', '--scale', 'worker=3')
  })

  it('refuses a health address whose service has no container, and the command that it names cures that', async () => {
    await compose('rm', '--stop', '--force', 'front')
    const before = await running()
    for (const dry of [['--dry-run'], []]) {
      const refused = await run('behind', '--to', '1.4', ...dry)
      expect(refused.code, said(refused)).toBe(3)
      expect(said(refused)).toMatch(
        /front, which publishes port \d+, is missing, and no step of this run starts it/,
      )
      expect(await running()).toEqual(before)
      const [line = ''] = /\S+=\S+ docker compose .* up --detach --no-deps front/.exec(said(refused)) ?? []
      if (dry.length === 0) await execa('sh', ['-c', line], { cwd: '/', stdin: 'ignore' })
    }
    expect(await running()).toEqual(before)
    const good = await run('behind', '--to', '1.4', '--dry-run')
    expect(good.code, said(good)).toBe(0)
  })

  it.each([
    [
      'an override file that the target does not name',
      'lacking',
      /lose the variable STAGE, lose the volume \S+_data at \/data.*compose\.override\.yml/s,
      /set stack\.files to \[.*compose\.override\.yml'\]/,
    ],
    ['another project name', 'wrong', /the project \S+ has one from the same files/, /set stack\.project to/],
  ])('refuses %s, in the dry run too, and touches nothing', async (_, target, problem, hint) => {
    const before = await running()
    for (const more of [['--dry-run'], []]) {
      const finished = await run(target, '--to', '1.4', ...more)
      expect(finished.code, said(finished)).toBe(3)
      expect(said(finished)).toMatch(problem)
      expect(said(finished)).toMatch(hint)
    }
    expect(await running()).toEqual(before)
  })

  it('keeps mounts, variables and the number of instances, forward and back', async () => {
    const before = await running()
    const dry = await run('right', '--to', '1.4', '--dry-run')
    expect(dry.code, said(dry)).toBe(0)
    const failed = await run('right', '--to', '1.3')
    expect(failed.code, said(failed)).toBe(10)
    expect(await running()).toEqual(before)
    const finished = await run('right', '--to', '1.4')
    expect(finished.code, said(finished)).toBe(0)
    const creations = await composeServices({ scope: watchedScope() }).creations({ stack: shop.stack, names })
    expect(creations.map(({ service }) => service)).toEqual(['web', 'worker', 'worker', 'worker'])
    expect(creations[0]?.mounts).toMatchObject([{ kind: 'volume', target: '/data' }])
  })
})

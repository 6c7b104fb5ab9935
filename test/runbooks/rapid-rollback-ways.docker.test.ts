import { mkdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { deadly, type Kill } from '../crash/kill.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { endOf } from '../fixtures/commands.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const root = join(import.meta.dirname, '..', '..')
const repository = `rapidways-${Math.random().toString(36).slice(2, 10)}/app`
const names = ['backend', 'frontend'] as const
const page = '<!doctype html><title>brace</title>'
const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

/** `app` is what every service is; two of them answer on this machine. */
const services = (app: string, [backend, frontend]: readonly number[]): string => `
x-app: &app
  init: true
  ${testLabel}
${app}
services:
  backend: { <<: *app, ports: ["127.0.0.1:${backend}:80"] }
  frontend: { <<: *app, ports: ["127.0.0.1:${frontend}:80"] }
  smoke-tests: { image: "runbook-test/busybox:1", ${testLabel}, profiles: [smoke], command: ["sh", "-c", "exit 3"] }
`

class Scene {
  readonly shop: BusyboxStack
  readonly ports: readonly number[]
  /** Where the Compose file is found. */
  readonly home: string

  constructor(shop: BusyboxStack, ports: readonly number[], home: string) {
    this.shop = shop
    this.ports = ports
    this.home = home
  }

  async configure(more: string): Promise<void> {
    const [backend, frontend] = this.ports
    await writeFile(
      join(this.shop.stack.directory, 'runbook.config.ts'),
      `
import { defineConfig } from ${JSON.stringify(join(root, 'src', 'index.ts'))}
import { brace } from ${JSON.stringify(join(root, 'targets', 'brace.ts'))}
// Without the database, which has no part in this, and no container here.
const { database: _, access: __, ...shop } = brace({
    root: ${JSON.stringify(this.home)}, composeFiles: ['compose.yml'], envFiles: ['.env'], project: ${JSON.stringify(this.shop.stack.project)},
    backendUrl: 'http://127.0.0.1:${backend}', frontendUrl: 'http://127.0.0.1:${frontend}', patience: { passes: 1, every: '200ms', within: '4s' }, ${more}
})
export default defineConfig({
  runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state',
  targets: { brace: { ...shop, app: ['backend', 'frontend'], ...('version' in shop ? { version: { ...shop.version, services: ['backend', 'frontend'] } } : {}) } },
})
`,
      { mode: 0o600 },
    )
  }

  compose(...args: readonly string[]) {
    const { project, environment } = this.shop.stack
    return execa('docker', ['compose', '-p', project, '-f', join(this.home, 'compose.yml'), ...args], {
      reject: false,
      cwd: this.home,
      env: environment,
      stdin: 'ignore',
    })
  }

  type(args: readonly string[], kill: Kill | null = null): Promise<Finished> {
    const { node, env } = deadly(kill)
    return endOf(args, {
      node,
      cwd: this.shop.stack.directory,
      env: {
        ...env,
        NO_COLOR: '1',
        HOME: this.shop.stack.directory,
        RUNBOOK_TEST_RUN: process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand',
      },
    })
  }

  /** State and image of each service. */
  async running(): Promise<readonly string[]> {
    const states = await composeServices({ scope: watchedScope() }).states({
      stack: { ...this.shop.stack, files: [join(this.home, 'compose.yml')] },
      names,
    })
    return states.map(
      ({ service, state, instances }) =>
        `${service} ${state} ${instances.map(({ imageId }) => imageId).join()}`,
    )
  }

  async page(): Promise<string> {
    for (let tries = 0; ; tries += 1) {
      try {
        return (
          await (
            await fetch(`http://127.0.0.1:${this.ports[1]}/`, { headers: { connection: 'close' } })
          ).text()
        ).trim()
      } catch (thrown) {
        if (tries > 50) throw thrown
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
}

const boundaries = (step: string): readonly (readonly [string, Kill, 'resume' | 'rollback'])[] => [
  ['mid-effect', { when: 'during', type: 'intent', step, wait: 900 }, 'rollback'],
  ['after effect', { when: 'before', type: 'ended', step }, 'resume'],
]
const deployment = 'bring-the-previous-release-up'

describe.skipIf(!docker())('rapid-rollback by a tag in the env file', () => {
  let scene: Scene
  let bad: readonly string[]
  const file = (tag: string): string => `# picked by hand\r\nSECRET='a b'\nIMAGE_TAG=${tag}\n`
  const env = (): Promise<string> => readFile(join(scene.home, '.env'), 'utf8')
  const roll = (to: string, kill: Kill | null = null): Promise<Finished> =>
    scene.type(['run', 'rapid-rollback', '--to', to], kill)

  beforeAll(async () => {
    for (const [tag, text] of [
      ['1.4', page],
      ['1.5', 'the upstream is down'],
      ['1.3', 'an older trouble'],
    ]) {
      await execa('docker', ['build', '--quiet', '--tag', `${repository}:${tag}`, '-'], {
        input: `FROM runbook-test/busybox:1\nENV PAGE="${text}"\n`,
      })
    }
    const ports = await freePorts(2)
    const shop = await busyboxStack(
      services(
        `  image: "${repository}:\${IMAGE_TAG}"\n  command: ["sh", "-c", "mkdir -p /srv/api && echo \\"$$PAGE\\" > /srv/index.html && echo ok > /srv/api/health && exec httpd -f -p 80 -h /srv"]`,
        ports,
      ),
    )
    scene = new Scene(shop, ports, shop.stack.directory)
    await scene.configure("versionFile: '.env'")
  })
  afterAll(async () => {
    await scene.shop.close()
    await execa('docker', ['rmi', '--force', ...['1.3', '1.4', '1.5'].map((tag) => `${repository}:${tag}`)], {
      reject: false,
    })
  })
  beforeEach(async () => {
    await writeFile(join(scene.home, '.env'), file('1.5'))
    const up = await scene.compose('up', '-d', '--no-build', ...names)
    expect(up.exitCode, up.stderr).toBe(0)
    bad = await scene.running()
  })

  it('runs the release before, and what is typed later stays with it', async () => {
    const dry = await scene.type(['run', 'rapid-rollback', '--to', '1.4', '--dry-run'])
    expect(dry.code, whole(dry)).toBe(0)
    expect([await env(), await scene.running()]).toEqual([file('1.5'), bad])
    const finished = await roll('1.4')
    expect(finished.code, whole(finished)).toBe(0)
    expect(await env()).toBe(file('1.4'))
    expect(await scene.page()).toBe(page)
    const good = await scene.running()
    await scene.compose('up', '-d', '--no-build', ...names)
    expect(await scene.running()).toEqual(good)
  })

  it('goes back to every byte and image where the frontend is no page', async () => {
    const finished = await roll('1.3')
    expect(finished.code, whole(finished)).toBe(10)
    expect([await env(), await scene.running()]).toEqual([file('1.5'), bad])
  })

  it('killed after the env file was written, goes back', async () => {
    const killed = await roll('1.4', {
      when: 'before',
      type: 'ended',
      step: 'pick-that-release-in-the-env-file',
    })
    expect(killed.signal, whole(killed)).toBe('SIGKILL')
    const back = await scene.type(['rollback'])
    expect(back.code, whole(back)).toBe(0)
    expect([await env(), await scene.running()]).toEqual([file('1.5'), bad])
  })

  it('T.20: `up` of the smoke tests says 0 though they fail; run once as here, they are heard', async () => {
    expect((await scene.compose('--profile', 'smoke', 'up', 'smoke-tests')).exitCode).toBe(0)
    expect(
      await composeServices({ scope: watchedScope() }).runOneOff(
        { ...scene.shop.stack, profiles: ['smoke'] },
        'smoke-tests',
        [],
      ),
    ).toEqual({ exitCode: 3 })
  })
})

describe.skipIf(!docker())('rapid-rollback by the folder of a release', () => {
  let scene: Scene
  let folder: string
  let bad: readonly string[] | undefined
  const link = async (to: string): Promise<void> => {
    await symlink(`releases/${to}`, join(folder, 'current.new'))
    await rename(join(folder, 'current.new'), join(folder, 'current'))
  }
  const roll = (to: string, kill: Kill | null = null): Promise<Finished> =>
    scene.type(['run', 'rapid-rollback', '--to', to], kill)
  const standing = async (): Promise<unknown> => [
    await readlink(join(folder, 'current')),
    await scene.page(),
    await scene.running(),
  ]
  const before = (): unknown => ['releases/2026-02-03', 'the upstream is down', bad]

  beforeAll(async () => {
    const ports = await freePorts(2)
    const text = services(
      '  image: "runbook-test/busybox:1"\n  volumes: ["./www:/srv:ro"]\n  command: ["httpd", "-f", "-p", "80", "-h", "/srv"]',
      ports,
    )
    const shop = await busyboxStack(text)
    folder = shop.stack.directory
    for (const [release, body] of [
      ['2026-02-01', 'an older trouble'],
      ['2026-02-02', page],
      ['2026-02-03', 'the upstream is down'],
    ] as const) {
      const home = join(folder, 'releases', release)
      await mkdir(join(home, 'www', 'api'), { recursive: true })
      for (const [path, content] of [
        ['compose.yml', text],
        ['.env', ''],
        ['www/VERSION', release],
        ['www/index.html', body],
        ['www/api/health', 'ok'],
      ] as const)
        await writeFile(join(home, path), content)
    }
    scene = new Scene(shop, ports, join(folder, 'current'))
    await scene.configure(
      `releaseFolders: { link: ${JSON.stringify(join(folder, 'current'))}, proof: { service: 'frontend', file: 'www/VERSION', inside: '/srv/VERSION' } }`,
    )
  })
  afterAll(() => scene.shop.close())
  beforeEach(async () => {
    // As a test that went back left it.
    if (
      bad !== undefined &&
      (await readlink(join(folder, 'current'))) === 'releases/2026-02-03' &&
      String(await scene.running()) === String(bad) &&
      (await scene.page()) === 'the upstream is down'
    )
      return
    await link('2026-02-03')
    const up = await scene.compose('up', '-d', '--no-build', '--force-recreate', '--timeout', '2', ...names)
    expect(up.exitCode, up.stderr).toBe(0)
    bad = await scene.running()
    expect(await standing()).toEqual(before())
  })

  it('runs what lies in the folder, where the link and `up` alone leave the old folder mounted, which `docker cp` denies', async () => {
    await link('2026-02-02')
    expect((await scene.compose('up', '-d', '--no-build', ...names)).exitCode).toBe(0)
    expect(await scene.page()).toBe('the upstream is down')
    const copied = await scene.compose('cp', 'frontend:/srv/VERSION', join(folder, 'copied'))
    expect(copied.exitCode, copied.stderr).toBe(0)
    expect(await readFile(join(folder, 'copied'), 'utf8')).toBe('2026-02-02')
    const finished = await roll('2026-02-02')
    expect(finished.code, whole(finished)).toBe(0)
    expect([await readlink(join(folder, 'current')), await scene.page()]).toEqual([
      'releases/2026-02-02',
      page,
    ])
  })

  it('changes nothing in a dry run, and goes back where the frontend is no page', async () => {
    const dry = await scene.type(['run', 'rapid-rollback', '--to', '2026-02-02', '--dry-run'])
    expect(dry.code, whole(dry)).toBe(0)
    expect(await standing()).toEqual(before())
    const finished = await roll('2026-02-01')
    expect(finished.code, whole(finished)).toBe(10)
    expect(await standing()).toEqual(before())
  })

  it.each(boundaries(deployment))('killed %s of the deployment (%j), then %s', async (_, kill, way) => {
    expect((await roll('2026-02-02', kill)).signal).toBe('SIGKILL')
    const finished = await scene.type([way])
    expect(finished.code, whole(finished)).toBe(0)
    if (way === 'rollback') expect(await standing()).toEqual(before())
    else
      expect([await readlink(join(folder, 'current')), await scene.page()]).toEqual([
        'releases/2026-02-02',
        page,
      ])
  })
})

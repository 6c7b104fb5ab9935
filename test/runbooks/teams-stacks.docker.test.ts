import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { loadConfig } from '../../src/config/load.ts'
import { targetOf } from '../../src/config/target.ts'
import { thisTruster, Trust } from '../../src/config/trust.ts'
import { fakeWorld } from '../../src/testing/index.ts'
import { chooseTag } from '../../steps/releases/choose-tag.ts'
import { deployBundle } from '../../steps/releases/deploy-bundle.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { alone, handsOn, opened } from '../steps/hands.ts'
import { endOf } from '../fixtures/commands.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 })

const root = join(import.meta.dirname, '..', '..')
const said = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`
const random = (): string => Math.random().toString(36).slice(2, 10)

describe.skipIf(!docker())("stacks as teams' own files declare them", () => {
  let shop: BusyboxStack
  let port: number
  const images = new Set<string>()
  const path = (...names: readonly string[]): string => join(shop.stack.directory, ...names)
  const run = (...args: readonly string[]): Promise<Finished> =>
    endOf(args, {
      cwd: shop.stack.directory,
      env: { NO_COLOR: '1', HOME: shop.stack.directory },
    })
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true })
    await writeFile(path(name), text)
  }
  const configure = (targets: object): Promise<void> =>
    writeFile(
      path('runbook.config.ts'),
      `export default { runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state', targets: ${JSON.stringify(targets)} }\n`,
      { mode: 0o600 },
    )
  const up = (project: string, file = path('compose.yml'), ...services: readonly string[]) =>
    execa(
      'docker',
      ['compose', '--project-name', project, '--file', file, 'up', '--detach', '--no-build', ...services],
      { cwd: shop.stack.directory, env: shop.stack.environment, stdin: 'ignore' },
    )
  const build = async (name: string, word: string): Promise<string> => {
    images.add(name)
    await execa('docker', ['build', '--quiet', '--tag', name, '-'], {
      input: `FROM runbook-test/busybox:1\nENV RELEASE="${word}"\n`,
    })
    return (await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', name])).stdout
  }
  const containers = async (): Promise<readonly string[]> =>
    (
      await execa('docker', [
        'ps',
        '--all',
        '--quiet',
        '--no-trunc',
        '--filter',
        `label=com.docker.compose.project.working_dir=${shop.stack.directory}`,
      ])
    ).stdout
      .split('\n')
      .filter((id) => id !== '')
      .toSorted()

  beforeEach(async () => {
    shop = await busyboxStack('services: {}\n')
    ;[port = 0] = await freePorts(1)
  })
  afterEach(async () => {
    const left = await containers()
    if (left.length > 0) await execa('docker', ['rm', '--force', '--volumes', ...left])
    // A snapshot gives them more names.
    const names = [...images].map((name) => name.replace(/:.*$/, ''))
    for (const name of new Set(names)) {
      const { stdout } = await execa('docker', ['images', '--quiet', name])
      const ids = stdout.split('\n').filter((id) => id !== '')
      if (ids.length > 0) await execa('docker', ['rmi', '--force', ...new Set(ids)], { reject: false })
    }
    images.clear()
    await shop.close()
  })

  describe('with another project name than the target', () => {
    let repository: string
    let running: string
    const serve = (label = testLabel): string => `services:
  app: { image: "${repository}:latest", init: true, ${label}, ports: ["127.0.0.1:${port}:80"], command: ["sh", "-c", "mkdir -p /srv && echo ok > /srv/healthz && exec httpd -f -p 80 -h /srv"] }
`
    const target = (stack: object): object => ({
      stack: { kind: 'compose', files: ['compose.yml'], environment: shop.stack.environment, ...stack },
      images: {
        repository,
        snapshots: './snapshots',
        releases: './releases',
        pointers: 'codex-latest-',
        environments: {
          prod: {
            service: 'app',
            tag: 'latest',
            health: [{ name: 'prod', url: `http://127.0.0.1:${port}/healthz`, every: '200ms', within: '4s' }],
          },
        },
      },
    })
    const pointers = async (): Promise<readonly string[]> =>
      (await readdir(path('snapshots'))).filter((name) => name.startsWith('codex-latest-'))

    beforeEach(async () => {
      repository = `codex-${random()}`
      running = await build(`${repository}:latest`, 'v1')
      await shop.write(serve())
      await mkdir(path('snapshots'))
      await mkdir(path('releases'))
      await up(shop.stack.project)
      // Built, and not deployed.
      await build(`${repository}:latest`, 'v3')
    })

    it('a snapshot is refused, and none is taken of an image that does not run', async () => {
      await configure({ codex: target({ project: `${shop.stack.project}-wrong` }) })
      const finished = await run('run', 'stack-snapshot', '--target', 'codex', '--skip-save')
      expect(finished.code, said(finished)).toBe(3)
      expect(said(finished)).toContain(`set stack.project to '${shop.stack.project}'`)
      expect(await pointers()).toEqual([])
    })

    it('a snapshot of the right one takes the image of the container', async () => {
      await write('.env', `COMPOSE_PROJECT_NAME=${shop.stack.project}\n`)
      await configure({ codex: target({}) })
      const finished = await run('run', 'stack-snapshot', '--target', 'codex', '--skip-save')
      expect(finished.code, said(finished)).toBe(0)
      expect((await readFile(path('snapshots', 'codex-latest-prod.iid'), 'utf8')).trim()).toBe(running)
    })

    it('a snapshot without any container says that the image may never have run', async () => {
      await execa('docker', ['rm', '--force', ...(await containers())])
      await configure({ codex: target({ project: shop.stack.project }) })
      const finished = await run('run', 'stack-snapshot', '--target', 'codex', '--skip-save', '--dry-run')
      expect(finished.code, said(finished)).toBe(0)
      expect(said(finished)).toMatch(/app has no container, so the snapshot takes .*may never have run/s)
    })

    it.each([
      ['from the same files', 'compose.yml', /the project \S+ has one from the same files/],
      ['from a copy of them elsewhere', 'copy/compose.yml', /healthz answers 200: something else serves it/],
    ])('a rollback of a stack %s is refused, and creates no second one', async (_, file, problem) => {
      if (file !== 'compose.yml') await write(file, serve())
      const stack = { files: [file], project: `${shop.stack.project}-wrong` }
      await configure({ codex: target(stack) })
      await build(`${repository}:prod-20260101-000000Z`, 'v0')
      const before = await containers()
      for (const more of [['--dry-run'], []]) {
        const finished = await run(
          'run',
          'stack-rollback',
          '--target',
          'codex',
          '--env',
          'prod',
          '--tag',
          `${repository}:prod-20260101-000000Z`,
          ...more,
        )
        expect(finished.code, said(finished)).toBe(3)
        expect(said(finished)).toMatch(problem)
      }
      expect(await containers()).toEqual(before)
    })
  })

  it('a version is refused where the files name the image without its tag, or build it', async () => {
    await shop.write(`services:
  api: { image: "cleanwithsnapshot-api:ci" }
  worker: { image: "cleanwithsnapshot-api:ci" }
  jobs: { build: . }
`)
    await write('.env', 'IMAGE_TAG=2025-12-16-rc1\n')
    const stack = { ...shop.stack, envFiles: [path('.env')] }
    const { look } = handsOn(fakeWorld())
    const input = {
      pin: {
        services: { stack, names: ['api', 'worker', 'jobs'] },
        file: path('.env'),
        variable: 'IMAGE_TAG',
        image: 'cleanwithsnapshot-api:{tag}',
        registry: null,
        pull: 'missing' as const,
      },
      to: '2025-12-15-rc1',
      from: 'history' as const,
      history: null,
    }
    const findings = await opened(chooseTag(input)).step.preflight?.(
      { ...look, files: diskFiles, services: composeServices({ scope: watchedScope() }) },
      input,
      alone,
    )
    expect(findings).toMatchObject([
      { level: 'refuse', about: 'api', problem: expect.stringContaining('name cleanwithsnapshot-api:ci') },
      { level: 'refuse', about: 'worker' },
      { level: 'refuse', about: 'jobs', problem: expect.stringContaining('name no image for it') },
    ])
  })

  it.each([
    ['only its data is mounted', '["./.codex-api:/app/.codex-api"]', 'refuse'],
    ['its code is mounted', '[".:/app"]', null],
  ])('a drill of a release bundle where %s', async (_, volumes, level) => {
    await mkdir(path('.codex-api'))
    await shop.write(
      `services: { app: { image: "runbook-test/busybox:1", ${testLabel}, init: true, command: [sleep, "1000"], volumes: ${volumes} } }\n`,
    )
    await up(shop.stack.project)
    const services = { stack: shop.stack, names: ['app'] }
    const into = shop.stack.directory
    const input = {
      code: { root: path('staging') },
      into,
      keep: ['.env', '.env.dev', '.git', '.codex-api'],
      apart: [path('.codex-api')],
      stopped: { names: ['app'], stoppedAt: '2026-02-03T05:00:00Z' },
      services,
    }
    const { look } = handsOn(fakeWorld())
    const real = { ...look, services: composeServices({ scope: watchedScope() }) }
    const findings = (await opened(deployBundle(input as never)).step.preflight?.(real, input, alone)) ?? []
    expect(findings.map((one) => one.level)).toEqual(level === null ? [] : [level])
    if (level !== null)
      expect(findings[0]?.problem).toBe(
        `app mounts no code from ${into}, so the release bundle is not exercised by starting it`,
      )
  })

  it('a configuration is refused, before the service is down, where nothing reads its file', async () => {
    const now = 'LLM_MODEL=gpt-5\nDATABASE_KEY=new\n'
    await write('.env.production', now)
    await write('.env.production.20240110', 'LLM_MODEL=gpt-4\nDATABASE_KEY=old\n')
    await shop.write(
      `services: { api: { image: "runbook-test/busybox:1", ${testLabel}, init: true, command: [sleep, "1000"] } }\n`,
    )
    await up(shop.stack.project)
    const { project, environment } = shop.stack
    await configure({
      contextsafe: {
        stack: { kind: 'compose', project, files: ['compose.yml'], environment },
        configuration: { file: '.env.production', services: ['api'] },
        health: [{ name: 'none', url: 'http://127.0.0.1:1/' }],
      },
    })
    const before = await containers()
    for (const more of [['--dry-run'], ['--confirm', 'roll back the configuration of contextsafe']]) {
      const finished = await run('run', 'config-rollback', '--copy', '.env.production.20240110', ...more)
      expect(finished.code, said(finished)).toBe(3)
      expect(said(finished)).toMatch(/api does not get LLM_MODEL, DATABASE_KEY from \S+\.env\.production/)
    }
    expect([await containers(), await readFile(path('.env.production'), 'utf8')]).toEqual([before, now])
  })

  it('a project without a name in the target is that of Compose itself', async () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ['infra/docker-compose.prod.yml', '', ''],
      ['_My App.v2/compose.yml', '', ''],
      ['named/compose.yml', 'name: Own_Name\n', ''],
      ['set/compose.yml', 'name: own\n', 'COMPOSE_PROJECT_NAME=by-env\n'],
      ['empty/compose.yml', '', 'COMPOSE_PROJECT_NAME=\n'],
    ]
    for (const [file, name, env] of cases) {
      await write(file, `${name}services: { web: { image: x } }\n`)
      if (env !== '') await write(join(dirname(file), '.env'), env)
    }
    const stacks = cases.map(([file], index) => [`t${index}`, { stack: { kind: 'compose', files: [file] } }])
    await configure(Object.fromEntries(stacks))
    const { config, basePaths } = await loadConfig({
      directory: shop.stack.directory,
      environment: {},
      trust: new Trust(thisTruster({}), [], () => undefined),
    })
    for (const [index, [file]] of cases.entries()) {
      const { stdout } = await execa(
        'docker',
        ['compose', '--file', path(file), 'config', '--format', 'json'],
        { cwd: shop.stack.directory, stdin: 'ignore' },
      )
      const { name } = JSON.parse(stdout) as { readonly name: string }
      expect([file, targetOf(config, `t${index}`, basePaths).stack?.project]).toEqual([file, name])
      if (index === 0) expect(name).toBe('infra')
    }
  })
})

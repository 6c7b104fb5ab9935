import { spawn } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import type { Kill } from '../crash/kill.ts'
import { Scene, sourceOf, whole } from '../crash/scene.ts'
import { testLabel } from '../fixtures/busybox-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { containersOf } from '../fixtures/project-containers.ts'
import { docker } from '../fixtures/requirements.ts'

const project = `rbtest-operate-${Math.random().toString(36).slice(2, 8)}`
const token = 'metrics-canary-token'
const password = 'database-canary-password'
const redeploy = 'redeploy-with-exports-off'

const configOf =
  (port: number) =>
  (folder: string): string =>
    `
import { defineConfig } from ${sourceOf('src/index.ts')}
import { composeApi } from ${sourceOf('targets/compose-api.ts')}
const url = 'http://127.0.0.1:${port}'
const disobeys = false
const tracker = null
// This API runs without its database, which nothing here is about.
const { database: _, ...api } = composeApi({ root: '${folder}/api', project: '${project}', url })
const endpoints = [...api.exports.endpoints, ...(disobeys ? [{ name: 'health', url: url + '/healthz', within: '1s' }] : [])]
export default defineConfig({
  artifacts: './artifacts', state: './state', runbooks: [],
  targets: { api: {
    ...api,
    health: [{ name: 'liveness', url: url + '/healthz', passes: 1, every: '200ms', within: '20s' }],
    exports: { ...api.exports, endpoints },
    configuration: { ...api.configuration, services: ['api'] },
    operators: { ...api.operators, ...(tracker === null ? {} : { ticket: { url: tracker, body: { title: '{text}', run: '{run}' }, reference: 'key' } }) },
    logScan: { services: ['api'], since: '10m', ignore: ['connection'] },
  } },
})
`

const compose = `
services:
  api:
    image: runbook-test/api:\${IMAGE_TAG}
    ${testLabel}
    env_file: [.env]
    ports: ["127.0.0.1:\${API_PORT}:8000"]
`

describe.skipIf(!docker())('the configuration of an API on Compose', () => {
  let scene: Scene
  let port: number
  let env: string

  const envFile = (): string => scene.path('api', '.env')
  const inApi = (...words: readonly string[]) =>
    execa('docker', [
      'compose',
      '--project-name',
      project,
      '--project-directory',
      scene.path('api'),
      '--file',
      scene.path('api', 'docker-compose.yml'),
      '--env-file',
      envFile(),
      ...words,
    ])
  const container = async (): Promise<string> => (await containersOf(project, { service: 'api' })).join()
  const variable = async (name: string): Promise<string> =>
    (await execa('docker', ['exec', await container(), 'printenv', name], { reject: false })).stdout
  const answers = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).status
  const healthy = () =>
    eventually(async () => (await answers('/healthz').catch(() => 0)) === 200, 'the API answers')
  const beside = async (): Promise<readonly string[]> =>
    (await readdir(scene.path('api'))).filter((name) => name.includes('.before-'))
  const world = async () => ({
    file: await readFile(envFile(), 'utf8'),
    mode: (await stat(envFile())).mode & 0o777,
    owner: (await stat(envFile())).uid,
    beside: await beside(),
    mode_inside: await variable('EXPORT_MODE'),
    model: await variable('LLM_MODEL'),
    image: (await execa('docker', ['inspect', '--format', '{{.Image}}', await container()])).stdout,
  })
  const type = (args: readonly string[], kill: Kill | null = null) => scene.type(args, kill)
  const told = async (): Promise<string> =>
    (
      await execa('grep', ['-rlE', `${token}|${password}`, scene.path('artifacts'), scene.path('state')], {
        reject: false,
      })
    ).stdout

  beforeAll(async () => {
    port = (await freePorts(1))[0] ?? 0
    scene = await Scene.make(null, configOf(port), {
      METRICS_TOKEN: token,
      RUNBOOK_TEST_RUN: process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand',
    })
    await mkdir(scene.path('api'))
    env = `# the API\r\nIMAGE_TAG=2025-12-15-rc1\r\nAPI_PORT=${port}\r\nexport EXPORT_MODE="on" # all\r\nDB_PASSWORD=${password}\r\nDATABASE_URL=postgresql://api:\${DB_PASSWORD}@127.0.0.1:1/api\r\nDATABASE_TITLE='it\\'s fine'\r\nDATABASE_PRICE=5$$\r\nMETRICS_TOKEN=${token}\r\nLLM_MODEL=large`
    await writeFile(scene.path('api', 'docker-compose.yml'), compose)
    await writeFile(envFile(), env)
    const git = (...words: readonly string[]) =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.example', ...words], {
        cwd: scene.path('api'),
      })
    await git('init', '--quiet')
    await git('add', '.')
    await git('commit', '--quiet', '--message', 'good')
    env = env.replace('LLM_MODEL=large', 'LLM_MODEL=small')
    await writeFile(envFile(), env)
    await git('commit', '--quiet', '--all', '--message', 'another model')
  }, 60_000)
  afterAll(async () => {
    await inApi('down', '--timeout', '1').catch(() => undefined)
    await scene[Symbol.asyncDispose]()
  }, 60_000)

  beforeEach(async () => {
    for (const name of await beside()) await rm(scene.path('api', name))
    await writeFile(envFile(), env)
    await chmod(envFile(), 0o640)
    await inApi('up', '--detach', '--timeout', '1')
    await healthy()
  }, 60_000)

  it('dry runs change nothing', async () => {
    const before = [await world(), await container()]
    for (const [book, ...more] of [
      ['disable-exports'],
      ['config-rollback', '--confirm', 'roll back the configuration of api'],
    ] as const) {
      const finished = await type(['run', book, '--dry-run', ...more])
      expect(finished.code, whole(finished)).toBe(0)
    }
    expect([await world(), await container()]).toEqual(before)
  }, 60_000)

  it('exports are off inside the new container, and nothing else in the file is touched', async () => {
    const before = await world()
    const finished = await type(['run', 'disable-exports'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await world()).toEqual({
      ...before,
      file: env.replace('"on"', '"off"'),
      mode_inside: 'off',
    })
    expect([await answers('/exports/documents.csv'), await answers('/healthz')]).toEqual([404, 200])
    expect(await told()).toBe('')
  }, 60_000)

  it('an API that does not obey is put back: file to the byte, environment, image', async () => {
    const before = await world()
    const config = scene.path('runbook.config.ts')
    const text = await readFile(config, 'utf8')
    await writeFile(config, text.replace('disobeys = false', 'disobeys = true'))
    const disobeying = await type(['run', 'disable-exports'])
    await writeFile(config, text)
    expect(disobeying.code, whole(disobeying)).toBe(10)
    expect(await world()).toEqual(before)
  }, 60_000)

  it.each(crashesIn(redeploy, 600))(
    'killed at the redeployment, %s: %j, then %s',
    async (_, kill, way) => {
      const before = await world()
      const died = await type(['run', 'disable-exports'], kill)
      expect(died.signal, whole(died)).toBe('SIGKILL')
      const finished = await type([way])
      expect(finished.code, whole(finished)).toBe(0)
      if (way === 'rollback') expect(await world()).toEqual(before)
      else
        expect(await world()).toMatchObject({
          file: env.replace('"on"', '"off"'),
          mode_inside: 'off',
          image: before.image,
        })
    },
    90_000,
  )

  it('an earlier env file comes from git, what differs is shown without secrets, and the API runs with it', async () => {
    const before = await world()
    const finished = await type(['run', 'config-rollback', '--confirm', 'roll back the configuration of api'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await world()).toMatchObject({ model: 'large', mode: before.mode, image: before.image })
    const [copy = '', ...others] = await beside()
    expect([copy, others]).toEqual([expect.stringMatching(/^\.env\.before-\d{8}-/), []])
    const reports = await execa('grep', ['-rl', copy, scene.path('artifacts'), '--include=report.md'])
    expect(reports.stdout.split('\n')).toHaveLength(1)
    expect(whole(finished) + (await told())).not.toMatch(/canary/)
  }, 60_000)

  it('an earlier env file, killed in the middle of the restart, then rollback', async () => {
    const before = await world()
    const died = await type(['run', 'config-rollback', '--confirm', 'roll back the configuration of api'], {
      when: 'during',
      type: 'intent',
      step: 'restart-the-services-with-it',
      wait: 600,
    })
    expect(died.signal, whole(died)).toBe('SIGKILL')
    const finished = await type(['rollback'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await world()).toEqual(before)
  }, 90_000)

  it('T.12: a tag that was only given inline is not lost to the one of the env file', async () => {
    // The rollback of a release with `IMAGE_TAG=… up`: rc1 runs, and .env names the bad one.
    await writeFile(envFile(), env.replace('2025-12-15-rc1', '2025-12-20-rc2'))
    const naive = await inApi('config', '--images')
    expect(naive.stdout).toContain('2025-12-20-rc2')
    const finished = await type(['run', 'disable-exports'])
    expect(finished.code, whole(finished)).toBe(3)
    expect(whole(finished)).toContain('api runs runbook-test/api:2025-12-15-rc1')
    expect(await variable('EXPORT_MODE')).toBe('on')
  }, 60_000)

  it('T.9: logs that are followed never end; the validation looks once, and ends, with no token anywhere', async () => {
    const naive = spawn('docker', ['logs', '--follow', await container()], { stdio: 'ignore' })
    const ended = new Promise((resolve) => naive.once('exit', () => resolve('ended')))
    const finished = await type([
      'run',
      'post-rollback-validation',
      '--answer',
      'announce=told',
      '--skip',
      'ticket=a test',
    ])
    expect(await Promise.race([ended, Promise.resolve('still following')])).toBe('still following')
    naive.kill('SIGKILL')
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished) + (await told())).not.toMatch(/canary/)
  }, 60_000)

  it('a ticket is opened by a webhook once, also by a run that was killed when it had been', async () => {
    const taken: { readonly key: unknown; readonly body: string }[] = []
    const tracker = createServer(async (request, response) => {
      taken.push({ key: request.headers['idempotency-key'], body: await text(request) })
      response.writeHead(201).end('{"key":"OPS-7"}')
    })
    await new Promise<void>((resolve) => tracker.listen(0, '127.0.0.1', resolve))
    const config = scene.path('runbook.config.ts')
    const plain = await readFile(config, 'utf8')
    await writeFile(
      config,
      plain.replace(
        'tracker = null',
        `tracker = 'http://127.0.0.1:${(tracker.address() as AddressInfo).port}/issues'`,
      ),
    )
    try {
      const died = await type(['run', 'post-rollback-validation', '--answer', 'announce=told'], {
        when: 'before',
        type: 'ended',
        step: 'create-a-ticket-for-the-forward-fix',
      })
      expect(died.signal, whole(died)).toBe('SIGKILL')
      const finished = await type(['resume'])
      expect(finished.code, whole(finished)).toBe(0)
    } finally {
      await writeFile(config, plain)
      tracker.close()
    }
    const [{ key, body } = { key: '', body: '{}' }, ...again] = taken
    expect(again).toEqual([])
    expect(JSON.parse(body)).toEqual({
      title: expect.stringContaining('Forward fix'),
      run: String(key).split('/')[0],
    })
    expect(await readFile(scene.path('artifacts', '_', 'notices.jsonl'), 'utf8')).toContain(
      '"reference":"OPS-7"',
    )
  }, 60_000)
})

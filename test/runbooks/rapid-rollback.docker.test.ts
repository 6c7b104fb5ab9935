import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deadly, type Kill } from '../crash/kill.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const root = join(import.meta.dirname, '..', '..')
const services = ['backend', 'frontend', 'admin-bot', 'scheduler'] as const
const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

describe.skipIf(!docker())(
  'rapid-rollback on the stack of brace, with a release whose backend answers 500',
  () => {
    const repository = `rapid-${Math.random().toString(36).slice(2, 10)}`
    const names = { app: `${repository}/app`, front: `${repository}/front` } as const
    let shop: Shop
    let before: readonly string[]
    let database: string | undefined

    const run = (args: readonly string[]): Promise<string> =>
      execa('docker', args).then(({ stdout }) => stdout)
    const compose = (...args: readonly string[]) =>
      execa('docker', ['compose', '-p', shop.stack.project, '-f', shop.stack.composeFile, ...args], {
        reject: false,
        cwd: shop.stack.dir,
        stdin: 'ignore',
      })
    const idOf = (name: string): Promise<string> => run(['image', 'inspect', '--format', '{{.Id}}', name])
    const tagsThere = async (): Promise<readonly string[]> =>
      (await run(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}']))
        .split('\n')
        .filter((line) => line.startsWith(`${repository}/`))
        .sort()

    /** What a rollback of the run must bring back: image and state of each service, and what each name means. */
    async function standing(): Promise<readonly string[]> {
      const rows = await Promise.all(
        services.map(
          async (name) =>
            `${name} ${await run(['inspect', '--format', '{{.State.Running}} {{.Image}} {{.Config.Image}}', String(await shop.stack.containerId(name))])}`,
        ),
      )
      return [...rows, ...(await tagsThere())]
    }
    const runsOn = async (image: string): Promise<boolean> => {
      const id = await idOf(image)
      const rows = await standing()
      return ['backend', 'admin-bot', 'scheduler'].every((name) =>
        rows.some((row) => row.startsWith(`${name} true ${id} `)),
      )
    }
    const roll = (more: readonly string[] = [], kill: Kill | null = null): Promise<Finished> =>
      shop.type(['run', 'rapid-rollback', '--target', 'brace', '--to', '1.4', ...more], deadly(kill))

    beforeAll(async () => {
      for (const name of [`${names.app}:1.4`, `${names.app}:latest`])
        await run(['tag', 'runbook-test/app:good', name])
      for (const name of [`${names.front}:1.4`, `${names.front}:latest`])
        await run(['tag', 'runbook-test/busybox:1', name])
      shop = await openShop({
        healthEvery: '1s',
        env: { APP_IMAGE: `${names.app}:latest`, WRITER_IMAGE: `${names.app}:latest` },
      })
      const { stack } = shop
      // Should anything ever be built, then it fails.
      await mkdir(join(stack.dir, 'broken'))
      await writeFile(join(stack.dir, 'broken', 'Dockerfile'), `FROM ${names.app}:1.4\nRUN false\n`)
      const file = await readFile(stack.composeFile, 'utf8')
      await writeFile(
        stack.composeFile,
        file
          .replace('image: runbook-test/busybox:1', `image: ${names.front}:latest`)
          .replace('  backend:\n    <<: *app\n', '  backend:\n    <<: *app\n    build: ./broken\n'),
      )
      await writeFile(
        join(stack.dir, 'runbook.config.ts'),
        `
import { defineConfig } from ${JSON.stringify(join(root, 'src', 'index.ts'))}
import { brace } from ${JSON.stringify(join(root, 'targets', 'brace.ts'))}
export default defineConfig({
  runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state',
  targets: {
    brace: brace({
      root: ${JSON.stringify(stack.dir)}, composeFiles: ['compose.yml'], envFiles: ['.env'], project: ${JSON.stringify(stack.project)}, database: 'brace',
      backendUrl: 'http://127.0.0.1:${stack.ports.backend}', frontendUrl: 'http://127.0.0.1:${stack.ports.frontend}', patience: { passes: 2, every: '200ms', within: '20s' },
    }),
  },
})
`,
        { mode: 0o600 },
      )
      database = await stack.containerId('db')
    }, 120_000)
    afterAll(async () => {
      await shop[Symbol.asyncDispose]()
      const left = (await tagsThere()).map((line) => line.slice(0, line.indexOf(' ')))
      if (left.length > 0) await run(['rmi', '--no-prune', ...left])
    })

    beforeEach(async () => {
      // The bad deployment: 1.5 becomes the latest.
      for (const name of [`${names.app}:1.5`, `${names.app}:latest`])
        await run(['tag', 'runbook-test/app:bad', name])
      await compose('up', '-d', '--no-build', '--no-deps', ...services)
      expect(await runsOn(`${names.app}:1.5`)).toBe(true)
      before = await standing()
    }, 60_000)

    it('foretells the rollback and changes nothing', async () => {
      const finished = await roll(['--dry-run'])
      expect(finished.code, whole(finished)).toBe(0)
      expect(await standing()).toEqual(before)
    }, 60_000)

    it('T.20: builds nothing, where `up --build` builds what is broken; the release before runs, and the database never stopped', async () => {
      expect((await compose('up', '-d', '--build', '--no-deps', 'backend')).exitCode).not.toBe(0)
      const finished = await roll()
      expect(finished.code, whole(finished)).toBe(0)
      expect(await runsOn(`${names.app}:1.4`)).toBe(true)
      expect((await shop.stack.get('/api/health')).status).toBe(200)
      expect(await shop.stack.containerId('db')).toBe(database)
      // The bad release is still there by a name that says when it was left.
      expect((await tagsThere()).some((line) => line.startsWith(`${names.app}:before-`))).toBe(true)
    }, 90_000)

    it('goes back to the images and names of before where the frontend is no page', async () => {
      const page = join(shop.stack.dir, 'www', 'index.html')
      const text = await readFile(page, 'utf8')
      const config = join(shop.stack.dir, 'runbook.config.ts')
      const patient = await readFile(config, 'utf8')
      await writeFile(page, 'the upstream is down')
      await writeFile(config, patient.replace("within: '20s'", "within: '6s'"), { mode: 0o600 })
      try {
        const finished = await roll()
        expect(finished.code, whole(finished)).toBe(10)
        expect(whole(finished)).toContain('<!doctype html>')
      } finally {
        await writeFile(page, text)
        await writeFile(config, patient, { mode: 0o600 })
      }
      expect(await standing()).toEqual(before)
    }, 90_000)

    const step = 'bring-the-previous-release-up'
    it.each<[string, Kill, 'resume' | 'rollback']>([
      ['mid-effect', { when: 'during', type: 'intent', step, wait: 900 }, 'rollback'],
      ['mid-effect', { when: 'during', type: 'intent', step, wait: 900 }, 'resume'],
      ['after effect', { when: 'before', type: 'ended', step }, 'resume'],
    ])(
      'killed %s of the deployment (%j), then %s',
      async (_, kill, way) => {
        const killed = await roll([], kill)
        expect(killed.signal, whole(killed)).toBe('SIGKILL')
        const finished = await shop.type([way])
        expect(finished.code, whole(finished)).toBe(0)
        if (way === 'rollback') expect(await standing()).toEqual(before)
        else expect(await runsOn(`${names.app}:1.4`)).toBe(true)
      },
      90_000,
    )

    it('refuses a release that is not on this machine, and one that is no tag', async () => {
      for (const [to, words] of [
        ['0.9', /image \S*app:0\.9 of backend not found/],
        ['--privileged', /is not an image tag|unknown|privileged/],
      ] as const) {
        const finished = await shop.type(['run', 'rapid-rollback', '--target', 'brace', `--to=${to}`])
        expect([2, 3], whole(finished)).toContain(finished.code)
        expect(whole(finished)).toMatch(words)
      }
      expect(await standing()).toEqual(before)
    }, 60_000)
  },
)

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { setImage } from '../../steps/config/set-image.ts'
import { fakeWorld } from '../../src/testing/index.ts'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { acts } from '../../src/model/step.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { alone, handsOn, opened } from '../steps/hands.ts'
import { endOf } from '../fixtures/commands.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 })

const root = join(import.meta.dirname, '..', '..')
const said = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

/** `web` and `worker` are of one release; `side` shares an anchor, a variable and an env file with them. */
const compose = (side: string, web = ''): string => `
x-common: &common
  init: true
  ${testLabel}
  command: [sleep, "1000"]
services:
  web: { <<: *common, image: "runbook-test/busybox:\${IMAGE_TAG:-1}", env_file: [app.env]${web} }
  worker: { <<: *common, image: "runbook-test/busybox:\${IMAGE_TAG:-1}" }
  side: { <<: *common, ${side} }
`

describe.skipIf(!docker())('an edit that changes more than it says', () => {
  let shop: BusyboxStack
  const path = (name: string): string => join(shop.stack.directory, name)
  const run = (...args: readonly string[]): Promise<Finished> =>
    endOf(['run', ...args], {
      cwd: shop.stack.directory,
      env: { NO_COLOR: '1', HOME: shop.stack.directory },
    })
  const world = async (): Promise<unknown> => [
    await Promise.all(['compose.yml', '.env', 'app.env'].map((name) => readFile(path(name), 'utf8'))),
    await shop.ids(),
  ]
  const up = (...args: readonly string[]) =>
    execa(
      'docker',
      [
        'compose',
        '--project-name',
        shop.stack.project,
        '--file',
        path('compose.yml'),
        '--env-file',
        path('.env'),
        ...args,
        'up',
        '--detach',
        '--no-build',
        '--timeout',
        '1',
      ],
      { cwd: shop.stack.directory, env: shop.stack.environment, stdin: 'ignore' },
    )

  beforeAll(async () => {
    shop = await busyboxStack(compose('image: "runbook-test/busybox:1"'))
    const { directory, project, files, environment } = shop.stack
    const target = JSON.stringify({
      stack: { kind: 'compose', project, files, envFiles: ['.env'], environment },
      app: ['web', 'worker'],
      version: { services: ['web', 'worker'], image: 'runbook-test/busybox:{tag}', pull: 'missing' },
      configuration: { file: 'app.env', services: ['web'] },
      exports: {
        file: '.env',
        variable: 'EXPORTS',
        services: ['web'],
        endpoints: [{ name: 'none', url: 'http://127.0.0.1:1/' }],
      },
      database: { engine: 'postgres', service: 'web', name: 'shop', user: 'shop' },
      access: { pgHba: { user: 'shop' }, composeFile: 'compose.yml', services: ['web', 'worker'] },
      health: [{ name: 'none', url: 'http://127.0.0.1:1/', every: '100ms', within: '1s' }],
    })
    await writeFile(
      join(directory, 'runbook.config.ts'),
      `export default { runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state', targets: { shop: ${target} } }\n`,
      { mode: 0o600 },
    )
    await execa('docker', ['tag', 'runbook-test/busybox:1', 'runbook-test/busybox:edit-scope'])
  })
  afterAll(async () => {
    await execa('docker', ['rmi', 'runbook-test/busybox:edit-scope'], { reject: false })
    await shop.close()
  })
  beforeEach(async () => {
    await writeFile(path('.env'), 'IMAGE_TAG=1\nEXPORTS=on\n')
    await writeFile(path('app.env'), 'MODEL=large\n')
    await writeFile(path('app.env.good'), 'MODEL=small\n')
  })

  const exports = ['disable-exports', '--target', 'shop', '--mode', 'off']
  const rapid = ['rapid-rollback', '--target', 'shop', '--to', 'edit-scope']
  const configuration = [
    'config-rollback',
    '--target',
    'shop',
    '--copy',
    'app.env.good',
    '--confirm',
    'roll back the configuration of shop',
  ]
  const access = [
    'auth-rollback',
    '--target',
    'shop',
    '--what',
    'compose',
    '--confirm',
    'put back the access of shop',
  ]

  it.each<readonly [string, string, readonly string[], RegExp, string]>([
    [
      'a tag that another service takes, with a default',
      'image: "runbook-test/busybox:${IMAGE_TAG:-1}"',
      rapid,
      /edit of \S+\.env would change image of side/,
      '',
    ],
    [
      'a tag that names a volume of the service itself',
      'image: "runbook-test/busybox:1"',
      rapid,
      /edit of \S+\.env would change volumes of web/,
      ', volumes: ["./data-${IMAGE_TAG}:/data"]',
    ],
    [
      'a variable that another service gets under another name',
      'image: "runbook-test/busybox:1", environment: { MODE: "exports ${EXPORTS}" }',
      exports,
      /edit of \S+\.env would change environment\.MODE of side/,
      ', environment: { EXPORTS: "${EXPORTS}" }',
    ],
  ])('is refused before it is written, in the dry run too: %s', async (_, side, args, problem, web) => {
    await shop.write(compose(side, web))
    await up()
    const before = await world()
    for (const more of [['--dry-run'], []]) {
      const finished = await run(...args, ...more)
      expect(finished.code, said(finished)).toBe(3)
      expect(said(finished)).toMatch(problem)
      expect(await world()).toEqual(before)
    }
  })

  it('passes, and is reported, where another service only gets the variable of its env file', async () => {
    await shop.write(compose('image: "runbook-test/busybox:1", env_file: [app.env]'))
    await up()
    const finished = await run(...configuration, '--dry-run')
    expect(finished.code, said(finished)).toBe(0)
    expect(said(finished)).toMatch(/edit of \S+app\.env would change environment\.MODEL of side/)
  })

  it('of a Compose file is refused where its copy changes a service that is not brought up', async () => {
    await shop.write(compose('image: "runbook-test/busybox:1"'))
    await up()
    await writeFile(
      path('compose.yml.bak'),
      compose(
        'image: "runbook-test/busybox:1", environment: { LEVEL: debug }',
        ', environment: { OLD: "1" }',
      ),
    )
    const before = await world()
    for (const more of [['--dry-run'], []]) {
      const finished = await run(...access, ...more)
      expect(finished.code, said(finished)).not.toBe(0)
      expect(said(finished)).toMatch(/edit of \S+compose\.yml would change environment\.LEVEL of side/)
      expect(await world()).toEqual(before)
    }
  })

  it.each([
    ['a copy', (text: string) => text],
    ['a copy over a file that Compose cannot read', () => 'services: [broken'],
  ])(
    'of a Compose file is refused where %s lacks what an override had given the containers',
    async (_, present) => {
      const text = compose('image: "runbook-test/busybox:1"')
      await shop.write(text)
      await writeFile(path('override.yml'), 'services: { web: { volumes: ["./kept:/kept"] } }\n')
      await up('--file', path('override.yml'))
      await writeFile(
        path('compose.yml.bak'),
        compose('image: "runbook-test/busybox:1"', ', environment: { OLD: "1" }'),
      )
      await shop.write(present(text))
      const before = await world()
      for (const more of [['--dry-run'], []]) {
        const finished = await run(...access, ...more)
        expect(finished.code, said(finished)).not.toBe(0)
        expect(said(finished)).toMatch(/lose the folder \S+kept at \/kept/)
        expect(said(finished)).toMatch(/set stack\.files to \[.*override\.yml'\]/)
        expect(await world()).toEqual(before)
      }
    },
  )

  it('of an image line is refused where another service extends the edited one', async () => {
    const own = 'image: "runbook-test/busybox:1"'
    await shop.write(
      `services:\n  web: { ${own}, init: true, ${testLabel}, command: [sleep, "1000"] }\n  side: { extends: web }\n`,
    )
    await up()
    const { look } = handsOn(fakeWorld())
    const real = { ...look, services: composeServices({ scope: watchedScope() }), files: diskFiles }
    const input = {
      file: path('compose.yml'),
      services: { stack: shop.stack, names: ['web'] },
      release: { image: 'runbook-test/busybox:edit-scope', tag: 'edit-scope', id: 'sha256:1', pulled: false },
    }
    const { step } = opened(setImage(input))
    if (!acts(step)) throw new Error('it does not act')
    expect(await step.preflight?.(real, input, alone)).toMatchObject([
      { level: 'refuse', problem: expect.stringContaining('would change image of side') as string },
    ])
    await expect(step.survey(real, input)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('would change image of side') as string,
    })
    await shop.write(`services:\n  web: { ${own}, init: true, ${testLabel}, command: [sleep, "1000"] }\n`)
    expect(await step.preflight?.(real, input, alone)).toEqual([])
  })
})

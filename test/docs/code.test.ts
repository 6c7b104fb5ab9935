import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { targetOf } from '../../src/config/target.ts'
import { planOf } from '../../src/model/plan.ts'
import { isRunbook, type Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeMachine, fakeWorld, runningFleet } from '../../src/testing/index.ts'
import { typeErrorsIn } from '../fixtures/type-check.ts'
import { vitestIn } from '../fixtures/vitest-in.ts'
import { blocks, pages, root, type Page } from './pages.ts'

/** The code of a page is one project: each block is a file, and its first line names it. */
type Example = { readonly page: Page; readonly files: ReadonlyMap<string, string> }

const nameOf = (code: string): string => /^\/\/ ([\w./-]+\.ts)\n/.exec(code)?.[1] ?? ''

/** Its blocks are settings, not files; test/config/catalogue.test.ts parses them. */
const generated = 'docs/configuration.md'
const withCode = pages.filter(({ file }) => file !== generated)

const examples: readonly Example[] = withCode
  .map((page) => ({
    page,
    files: new Map(blocks(page, 'ts').map((code) => [nameOf(code), code])),
  }))
  .filter(({ files }) => files.size > 0)

/** Where the examples are laid out. Below the repository, since compiler and Node look for packages in the folders above. */
let folder: string
const projectOf = ({ page }: Example): string => join(folder, page.file.replaceAll(/[/.]/g, '-'))

/** `runbook`, as an installed package is called, is this very copy. */
const here = (code: string): string =>
  code.replaceAll(/(from|module) 'runbook(\/steps|\/testing)?'/g, (_, word: string, entrance = '') => {
    const file = { '': 'src/index.ts', '/steps': 'steps/index.ts', '/testing': 'src/testing/index.ts' }[
      entrance as '' | '/steps' | '/testing'
    ]
    return `${word} '${join(root, file)}'`
  })

beforeAll(async () => {
  folder = mkdtempSync(join(root, 'test', '.readme-'))
  for (const example of examples) {
    const project = projectOf(example)
    for (const [name, code] of example.files) {
      await mkdir(dirname(join(project, name)), { recursive: true })
      await writeFile(join(project, name), here(code))
    }
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const exampleIn = (file: string): Example => {
  const found = examples.find(({ page }) => page.file === file)
  if (found === undefined) throw new Error(`${file} shows no code`)
  return found
}

const fileOf = (page: string, name: string): string => join(projectOf(exampleIn(page)), name)

async function book(page: string, name: string): Promise<Runbook> {
  const module = (await import(pathToFileURL(fileOf(page, name)).href)) as { readonly default: unknown }
  if (!isRunbook(module.default)) throw new Error(`${name} of ${page} exports no runbook`)
  return module.default
}

async function target(page: string, name: string): Promise<Target> {
  const directory = projectOf(exampleIn(page))
  const { config, basePaths } = await loadConfig({
    directory,
    file: join(directory, 'runbook.config.ts'),
    environment: { HOME: directory },
    trust: { check: () => undefined },
  })
  return targetOf(config, name, basePaths)
}

test('every block of TypeScript is a file with a name', () => {
  const nameless = withCode.flatMap((page) =>
    blocks(page, 'ts')
      .filter((code) => nameOf(code) === '')
      .map((code) => `${page.file}: ${code.split('\n')[0]}`),
  )
  expect(nameless).toEqual([])
  expect(examples.map(({ page }) => page.file)).toEqual([
    'README.md',
    'docs/backup-places.md',
    'docs/targets.md',
    'docs/writing-runbooks.md',
  ])
  expect(examples.flatMap(({ files }) => [...files.keys()]).length).toBeGreaterThanOrEqual(7)
})

test.each(examples.map((example) => [example.page.file, example] as const))(
  'the code of %s compiles',
  async (_, example) => {
    expect(await typeErrorsIn(projectOf(example))).toBe('')
  },
  120_000,
)

describe('the configurations that are shown', () => {
  test.each([
    ['README.md', 'shop'],
    ['docs/targets.md', 'shop'],
    ['docs/writing-runbooks.md', 'shop'],
  ])('of %s has a target', async (page, name) => {
    expect((await target(page, name)).name).toBe(name)
  })
})

describe('the first runbook', () => {
  const page = 'docs/writing-runbooks.md'
  const first = () => book(page, 'runbooks/restart-writers.ts')
  const shop = () => target('docs/targets.md', 'shop')
  const names = ['backend', 'admin-bot', 'scheduler'] as const
  const world = () =>
    fakeWorld({ fleet: runningFleet(Object.fromEntries(names.map((name) => [name, 'app:1']))) })
  const states = (of: ReturnType<typeof world>) =>
    [...of.fleet.services.values()].map(({ instance }) => instance?.state)

  test('is planned as it is written', async () => {
    const { plan } = planOf(await first(), await shop(), {})
    expect(plan.runbook).toBe('restart-writers')
    expect(plan.steps.map((step) => step.title)).toEqual(['Stop writers', 'Start writers', 'Check health'])
  })

  test('restarts the writers', async () => {
    const healthy = world()
    healthy.web.answers.set('http://127.0.0.1:8000/api/health', [{ status: 200, json: { status: 'ok' } }])
    const machine = fakeMachine(healthy, { book: await first(), target: await shop() })
    expect(await machine.run({ grace: 3 })).toMatchObject({ outcome: 'succeeded' })
    const began = machine.entries.flatMap(({ entry }) => (entry.type === 'intent' ? [entry.step] : []))
    expect(began).toEqual(['stop-writers', 'start-writers', 'check-health'])
    expect(states(healthy)).toEqual(names.map(() => 'running'))
  })

  test('puts them back when they do not come up', async () => {
    const sick = world()
    const machine = fakeMachine(sick, { book: await first(), target: await shop() })
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(states(sick)).toEqual(names.map(() => 'running'))
  })

  test('that shows what a script may say is planned with both branches', async () => {
    const { plan } = planOf(
      await book(page, 'runbooks/restore-or-restart.ts'),
      await target('docs/targets.md', 'shop'),
      { what: 'restore' },
    )
    const branches = new Set(plan.steps.flatMap(({ only }) => only.map((one) => one.is)))
    expect([...branches].sort()).toEqual(['restart', 'restore'])
    expect(plan.steps.at(-1)?.phase).toBe('lastly')
  })
})

test('the tests that are shown pass', () => {
  const name = 'test/restart-behind-a-page.test.ts'
  expect(readFileSync(fileOf('docs/writing-runbooks.md', name), 'utf8')).toContain('everyMoment')
  const { status, stdout, stderr } = vitestIn(projectOf(exampleIn('docs/writing-runbooks.md')))
  expect(stdout + stderr).toMatch(/Tests +12 passed \(12\)/)
  expect(status).toBe(0)
}, 120_000)

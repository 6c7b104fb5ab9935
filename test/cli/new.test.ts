import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newRunbook, newStep } from '../../src/init/new-files.ts'
import { Project } from '../fixtures/cli.ts'
import { typeErrorsIn } from '../fixtures/type-check.ts'
import { vitestIn } from '../fixtures/vitest-in.ts'
import { root } from '../docs/pages.ts'

let project: Project
/** Below the repository, since compiler and Node look for packages in the folders above. */
let folder = ''
beforeAll(async () => {
  project = await Project.make()
  folder = mkdtempSync(join(root, 'test', '.readme-new-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterAll(() => project[Symbol.asyncDispose]())

describe('runbook new', () => {
  test('writes a runbook that is found, and its test', async () => {
    const { code, out, err } = await project.run(['new', 'runbook', 'pause-queue'])
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toMatch(/^Wrote runbooks\/pause-queue\.ts and test\/pause-queue\.test\.ts\.\n/)
    const shown = await project.run(['show', 'pause-queue'])
    expect(shown.out).toContain('Pause queue  (pause-queue)\n')
    expect(await readFile(project.path('test/pause-queue.test.ts'), 'utf8')).toContain(
      "targetOf(config, 'here')",
    )
  })

  test('writes a step, and its test', async () => {
    const { code, out } = await project.run(['new', 'step', 'drain-queue'])
    expect(code).toBe(0)
    expect(out).toMatch(/^Wrote steps\/drain-queue\.ts and test\/drain-queue\.test\.ts\.\n/)
    expect(await readFile(project.path('steps/drain-queue.ts'), 'utf8')).toContain(
      'export const drainQueue = defineStep<Input>()({',
    )
  })

  test('overwrites nothing, and writes no half of it', async () => {
    await writeFile(project.path('test/mine.test.ts'), 'mine')
    const { code, err } = await project.run(['new', 'step', 'mine'])
    expect(code).toBe(2)
    expect(err).toContain(`cannot write ${project.path('test/mine.test.ts')}: it exists`)
    expect(await readFile(project.path('test/mine.test.ts'), 'utf8')).toBe('mine')
    await expect(stat(project.path('steps/mine.ts'))).rejects.toThrow('ENOENT')
  })

  test.each(['../x', 'Pause', 'a--b', 'delete', ''])('refuses the name %j', async (name) => {
    const { code, err } = await project.run(['new', 'runbook', name])
    expect(code).toBe(2)
    expect(err).toContain(`cannot name a runbook ${JSON.stringify(name)}`)
  })
})

test('what it writes type-checks, and its tests pass', async () => {
  const names = { runbooks: 'runbooks', config: 'runbook.config.ts', target: 'here' }
  const files = [
    ...newRunbook({ name: 'pause-queue', ...names }),
    ...newStep({ name: 'drain-queue', ...names }),
    {
      path: 'runbook.config.ts',
      text: "import { defineConfig } from 'runbook'\nexport default defineConfig({ targets: { here: { settings: {} } } })\n",
    },
  ]
  for (const { path, text } of files) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), here(text))
  }
  expect(readFileSync(join(folder, 'test/drain-queue.test.ts'), 'utf8')).toContain('everyMoment(machine)')
  expect(await typeErrorsIn(folder)).toBe('')
  const vitest = vitestIn(folder)
  expect(vitest.stdout + vitest.stderr).toMatch(/Tests +5 passed \(5\)/)
  expect(vitest.status).toBe(0)
}, 120_000)

/** `runbook`, as an installed package is called, is this very copy. */
const here = (code: string): string =>
  code
    .replaceAll("from 'runbook'", `from '${join(root, 'src/index.ts')}'`)
    .replaceAll("from 'runbook/steps'", `from '${join(root, 'steps/index.ts')}'`)
    .replaceAll("from 'runbook/testing'", `from '${join(root, 'src/testing/index.ts')}'`)

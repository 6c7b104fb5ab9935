import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exits } from '../src/kernel/errors.ts'
import { Redactor } from '../src/kernel/redact.ts'
import { programFor } from '../src/cli/program.ts'
import { processTerminal } from '../src/cli/terminal.ts'
import { loadConfig } from '../src/config/load.ts'
import { targetOf } from '../src/config/target.ts'
import { planOf } from '../src/model/plan.ts'
import { isRunbook, type Runbook } from '../src/model/runbook.ts'
import { fakeMachine, fakeWorld, runningFleet } from '../src/testing/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** Code blocks of a language, as they are printed. */
const blocks = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code)

/** Rows of the table below a heading: its cells, without the row of the heading and the line under it. */
function table(heading: string): readonly (readonly string[])[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

describe('the code', () => {
  const [runbookFile = '', configFile = '', testLines = ''] = blocks('ts')
  let project: string
  beforeAll(async () => {
    // Below the repository, since compiler and Node look for packages in the folders above.
    project = mkdtempSync(join(root, 'test', '.readme-'))
    for (const name of ['src', 'steps']) symlinkSync(join(root, name), join(project, name))
    await mkdir(join(project, 'runbooks'))
    await writeFile(join(project, 'runbooks', 'restart-writers.ts'), runbookFile)
    await writeFile(join(project, 'runbook.config.ts'), configFile)
    await writeFile(
      join(project, 'lines.ts'),
      [
        "import { fakeServer, fakeMachine, fakeWorld, runningFleet, type Carried } from './src/testing/index.ts'",
        "import { expect } from 'vitest'",
        'export async function lines({ book, target }: Carried): Promise<void> {',
        testLines,
        '}',
      ].join('\n'),
    )
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', include: ['runbooks', '*.ts'], exclude: [] }),
    )
  })
  afterAll(() => rmSync(project, { recursive: true, force: true }))

  const book = async (): Promise<Runbook> => {
    const module = (await import(pathToFileURL(join(project, 'runbooks', 'restart-writers.ts')).href)) as {
      readonly default: unknown
    }
    if (!isRunbook(module.default)) throw new Error('the first block is no runbook')
    return module.default
  }

  const target = async () => {
    const { config, bearings } = await loadConfig({
      directory: project,
      file: undefined,
      environment: { HOME: project },
      overridden: null,
    })
    return targetOf(config, 'shop', bearings)
  }

  test('is a runbook, a configuration and lines of a test', () => {
    expect(blocks('ts')).toHaveLength(3)
    expect(runbookFile).toMatch(/^\/\/ runbooks\/restart-writers\.ts$/m)
    expect(configFile).toContain('defineConfig(')
    expect(testLines).toContain('fakeMachine(')
  })

  test('compiles', () => {
    const { status, stdout } = spawnSync(
      join(root, 'node_modules', '.bin', 'tsc'),
      ['--noEmit', '-p', project],
      { encoding: 'utf8' },
    )
    expect(stdout).toBe('')
    expect(status).toBe(0)
  }, 120_000)

  test('is planned as printed', async () => {
    const { plan } = planOf(await book(), await target(), {})
    expect(plan.runbook).toBe('restart-writers')
    expect(plan.steps.map((step) => step.title)).toEqual(['Stop writers', 'Start writers', 'Check health'])
  })

  test('restarts the writers', async () => {
    const world = fakeWorld({
      fleet: runningFleet({ backend: 'app:1', 'admin-bot': 'app:1', scheduler: 'app:1' }),
    })
    world.web.answers.set('http://127.0.0.1:8000/api/health', [{ status: 200, json: { status: 'ok' } }])
    const machine = fakeMachine(world, { book: await book(), target: await target() })
    expect(await machine.run({ grace: 3 })).toMatchObject({ outcome: 'succeeded' })
    const began = machine.entries.flatMap(({ entry }) => (entry.type === 'intent' ? [entry.step] : []))
    expect(began).toEqual(['stop-writers', 'start-writers', 'check-health'])
    expect([...world.fleet.services.values()].map(({ instance }) => instance?.state)).toEqual([
      'running',
      'running',
      'running',
    ])
  })

  test('puts them back when they do not come up', async () => {
    const world = fakeWorld({
      fleet: runningFleet({ backend: 'app:1', 'admin-bot': 'app:1', scheduler: 'app:1' }),
    })
    const machine = fakeMachine(world, { book: await book(), target: await target() })
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect([...world.fleet.services.values()].map(({ instance }) => instance?.state)).toEqual([
      'running',
      'running',
      'running',
    ])
  })
})

test('the exit codes are those of the program', () => {
  const told = table('Exit codes').flatMap(([codes = '', means = '']) =>
    codes.split(', ').map((code) => [Number(code), codes.includes(',') ? 'stopped by a signal' : means]),
  )
  const real = Object.values(exits).map(({ exit, means }) => [
    exit,
    exit > 128 ? 'stopped by a signal' : means,
  ])
  expect(told).toEqual(real)
})

test('the commands are those of the program, and their flags exist', () => {
  const program = programFor(processTerminal(new Redactor()), '0')
  const typed = table('Commands').flatMap(([cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, words = '']) => words.replaceAll('\\|', '|')),
  )
  // `evidence show FOLDER` · `verify FOLDER`: what follows in a cell goes on from the word before.
  const named = new Set(typed.map((words) => words.replace(/^(?=verify |story )/, 'runbook evidence ')))
  const real = program.commands.flatMap((command) => {
    const below = command.commands.map((one) => one.name()).filter((name) => name !== 'help')
    return below.length === 0
      ? [`runbook ${command.name()}`]
      : below.map((name) => `runbook ${command.name()} ${name}`)
  })
  const nameOf = (words: string): string =>
    real.find((name) => words === name || words.startsWith(`${name} `)) ?? words
  expect([...new Set([...named].map(nameOf))].sort()).toEqual([...real].sort())
  for (const words of named) {
    const [, first = '', second = ''] = words.split(' ')
    // `run` makes its flags for each runbook; test/cli/usage.test.ts holds them.
    if (first === 'run') continue
    const command = program.commands.find((one) => one.name() === first)
    const at = command?.commands.find((one) => one.name() === second) ?? command
    for (const [flag] of words.matchAll(/--[a-z-]+/g))
      expect(
        at?.options.map((option) => option.long),
        words,
      ).toContain(flag)
  }
})

test('every runbook that comes along has its row, in order, and says when as it does itself', async () => {
  const names = readdirSync(join(root, 'runbooks'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3))
    .sort()
  const real = []
  for (const name of names) {
    const module = (await import(pathToFileURL(join(root, 'runbooks', `${name}.ts`)).href)) as {
      readonly default: unknown
    }
    if (!isRunbook(module.default)) throw new Error(`runbooks/${name}.ts is no runbook`)
    real.push([`\`${module.default.name}\``, module.default.about.when])
  }
  const rows = table('Runbooks')
  expect(rows).toEqual(real)
})

test('the tree names the folders that there are, with their floors', () => {
  const [tree = ''] = blocks('text')
  const folders = tree
    .split('\n')
    .flatMap((line) => /^([\w/]+)\/ {2,}/.exec(line)?.[1] ?? [])
    .sort()
  const below = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map((one) => `src/${one.name}`)
  expect(folders).toEqual(['runbooks', 'steps', 'targets', ...below].sort())

  const floors = new Map(
    [...tree.matchAll(/^(src\/\w+)\/ +(\d) /gm)].map(([, folder = '', floor]) => [
      folder.slice(4),
      Number(floor),
    ]),
  )
  const rule =
    readFileSync(join(root, 'test', 'architecture.test.ts'), 'utf8')
      .split('= {\n')[1]
      ?.split('\n}')[0] ?? ''
  expect(floors).toEqual(
    new Map([...rule.matchAll(/(\w+): (\d)/g)].map(([, folder = '', floor]) => [folder, Number(floor)])),
  )
})

test('links and files that are named exist', () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) => path)
  const files = [...readme.matchAll(/`((?:src|test|docs|bin|steps|runbooks|\.ci)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  )
  expect(links.length).toBeGreaterThan(0)
  expect([...links, ...files].filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('the scripts that one is told to run exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly [name: string]: string }
  }
  const named = [...readme.matchAll(/npm (?:run (\w+)|(test))\b/g)].map(
    ([, script, short]) => script ?? short ?? '',
  )
  expect(named.length).toBeGreaterThan(1)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})

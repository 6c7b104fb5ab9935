import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Project } from '../fixtures/cli.ts'

const preloaded = fileURLToPath(new URL('../fixtures/loaded-modules.js', import.meta.url))
const root = new URL('../../', import.meta.url).href

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

/** The packages, and the files of this project, that a command loads. */
async function loadedBy(...args: readonly string[]) {
  const [list, found] = [project.path('loaded'), project.path('resolved')]
  const { code, err } = await project.runIn(project.folder, args, {
    NODE_OPTIONS: `--import ${preloaded}`,
    LOADED_MODULES: list,
    RESOLVED_MODULES: found,
  })
  expect(code, err).toBe(0)
  const urls = (await readFile(list, 'utf8')).split('\n')
  const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
  const ofProject = (all: readonly string[]): readonly string[] =>
    all.flatMap((url) => (url.startsWith(root) ? [url.slice(root.length)] : []))
  const files = ofProject(urls)
  expect(files).toContain('src/cli/main.ts')
  return {
    packages: [...new Set(packages)].sort(),
    files: files.filter((file) => !file.startsWith('node_modules/')),
    lookedFor: ofProject((await readFile(found, 'utf8')).split('\n')),
  }
}

const within = (files: readonly string[], ...folders: readonly string[]): readonly string[] =>
  files.filter((file) => folders.some((folder) => file.startsWith(`${folder}/`))).sort()

const toParse = ['commander', 'leven']
const toConfigure = [...toParse, 'cosmiconfig', 'env-paths', 'ms', 'zod']
const toReadTheJournal = [...toConfigure, 'better-sqlite3']

test('the version needs no package', async () => {
  const { packages, files } = await loadedBy('--version')
  expect(packages).toEqual([])
  expect(within(files, 'src/cli/commands', 'src/config', 'src/sections', 'src/adapters')).toEqual([])
})

test('a command that is named is loaded without the others', async () => {
  const { files } = await loadedBy('status')
  expect(within(files, 'src/cli/commands')).toEqual(['src/cli/commands/status.ts'])
})

test('the files of the program are loaded without looking for them, since their imports say where they are', async () => {
  const { files, lookedFor } = await loadedBy('list')
  expect(within(files, 'src/sections').length).toBeGreaterThan(30)
  expect(within(lookedFor, 'src/sections')).toEqual([])
})

test('the help needs neither the configuration nor an adapter', async () => {
  for (const args of [['help'], ['run', '--help']]) {
    const { packages, files } = await loadedBy(...args)
    expect(packages).toEqual([...toParse].sort())
    expect(within(files, 'src/config', 'src/sections', 'src/adapters')).toEqual([
      'src/config/accounts.ts',
      'src/config/trust.ts',
    ])
  }
})

test('reading the journal needs no engine, no runbook and no reports', async () => {
  await project.run(['run', 'three-files'])
  for (const { args, more, views, record } of [
    { args: ['status'], more: ['parse-ms', 'pretty-ms'], views: ['fit', 'standing', 'status'], record: [] },
    {
      args: ['history'],
      more: ['parse-ms', 'pretty-bytes', 'pretty-ms'],
      views: ['amounts', 'columns', 'fit', 'measured', 'past-runs', 'standing'],
      record: ['src/run/record/measures.ts', 'src/run/record/past-run.ts'],
    },
  ]) {
    const { packages, files } = await loadedBy(...args)
    expect(packages).toEqual([...toReadTheJournal, ...more].sort())
    expect(within(files, 'src/run/engine', 'src/conduct', 'steps', 'runbooks')).toEqual([])
    expect(within(files, 'src/run/record')).toEqual(record)
    expect(within(files, 'src/views')).toEqual(
      ['history', ...views].sort().map((name) => `src/views/${name}.ts`),
    )
  }
})

test('listing the runbooks loads none of the package', async () => {
  const { packages, files } = await loadedBy('list')
  expect(packages).toEqual([...toConfigure].sort())
  expect(within(files, 'src/adapters', 'src/run/engine', 'src/conduct', 'runbooks', 'steps')).toEqual([])
})

test('the doctor loads those runbooks of the package that fit a target', async () => {
  const { files } = await loadedBy('doctor', '--target', 'bare')
  expect(within(files, 'runbooks')).toEqual(['runbooks/diagnose.ts', 'runbooks/prune.ts'])
})

test('a runbook is shown with its past durations, and without an adapter of its target', async () => {
  for (const [format, more] of [
    ['text', ['better-sqlite3', 'parse-ms', 'pretty-bytes', 'pretty-ms']],
    ['json', ['parse-ms', 'pretty-bytes', 'pretty-ms']],
  ] as const) {
    const { packages, files } = await loadedBy('show', 'three-files', '--format', format)
    expect(packages).toEqual([...toConfigure, 'acorn', ...more].sort())
    expect(within(files, 'src/run/engine', 'src/conduct', 'steps', 'runbooks')).toEqual([])
    const ofTargets = ['docker', 'postgres', 'sqlite', 'http', 'git', 'github', 'places', 'terminal']
    expect(within(files, ...ofTargets.map((name) => `src/adapters/${name}`))).toEqual([])
  }
})

test('of the packaged runbooks only the one that was named is loaded, with its own steps', async () => {
  const { packages, files } = await loadedBy('run', 'restore-test', '--help')
  expect(packages).toEqual([...toConfigure].sort())
  expect(within(files, 'runbooks')).toEqual(['runbooks/restore-test.ts'])
  expect(within(files, 'steps').length).toBeLessThan(40)
  expect(within(files, 'steps/images', 'steps/releases', 'steps/volumes')).toEqual([])
})

test('a run loads only the adapters that it uses', async () => {
  const reports = [
    'd3-array',
    'd3-color',
    'd3-format',
    'd3-interpolate',
    'd3-scale',
    'd3-time',
    'd3-time-format',
    'hono',
    'xmlbuilder',
  ]
  const engine = ['acorn', 'is-in-ci', 'listr2', 'parse-ms', 'pretty-bytes', 'pretty-ms']
  for (const args of [
    ['run', 'three-files'],
    ['run', 'three-files', '--dry-run'],
  ]) {
    const { packages, files } = await loadedBy(...args)
    expect(packages).toEqual([...toReadTheJournal, ...engine, ...reports].sort())
    // What renders reports comes last: it does not delay the start.
    const first = files.indexOf('src/views/files.ts')
    expect(first).toBeGreaterThan(0)
    expect(within(files.slice(first), 'src/run/engine', 'src/conduct', 'steps')).toEqual([])
    expect(within(files.slice(0, first), 'src/views/html')).toEqual([])
    expect(
      within(
        files,
        'src/adapters/docker',
        'src/adapters/postgres',
        'src/adapters/sqlite',
        'src/adapters/http',
      ),
    ).toEqual([])
  }
})

test('only `serve` loads a server', async () => {
  for (const args of [['--help'], ['serve', '--help']]) {
    const { packages } = await loadedBy(...args)
    expect(packages).toEqual([...toParse].sort())
  }
})

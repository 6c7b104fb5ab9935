/** The example of a preset, as a project of its own that has the packed tarball installed by npm. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cp, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { extract } from 'tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Installed, Team } from './fixtures/installed.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const name = 'runbook-preset-miniflux'

let installed: Installed
let preset: Team
beforeAll(async () => {
  installed = await Installed.make()
  const folder = join(installed.folder, 'preset')
  await cp(join(root, 'examples/preset'), folder, {
    recursive: true,
    filter: (path) => !/[/\\](?:node_modules|dist)$/.test(path),
  })
  // Vitest and TypeScript are those of this checkout.
  const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...about, devDependencies: {} }))
  npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', '--save-dev', installed.tarball)
  preset = new Team(folder, join(folder, 'node_modules/runbook/bin/runbook.js'))
}, 300_000)
afterAll(() => installed[Symbol.asyncDispose]())

test('the package takes less than 120 MB with all that it depends on, besides Node', async () => {
  const modules = preset.path('node_modules')
  const files = await readdir(modules, { recursive: true })
  const sizes = await Promise.all(files.map(async (file) => (await lstat(join(modules, file))).blocks * 512))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  expect(bytes).toBeGreaterThan(40e6)
  expect(bytes).toBeLessThan(120e6)
  expect(await readdir(join(modules, '@aws-sdk')).catch(() => null)).toBeNull()
})

test('the preset is type-checked, and its tests pass', async () => {
  await linkTools(preset)
  expect(preset.typecheck()).toEqual({ code: 0, out: '', err: '' })
  const { status, stderr } = spawnSync(
    process.execPath,
    [preset.path('node_modules/vitest/vitest.mjs'), 'run', '--reporter=json', '--outputFile=report.json'],
    { cwd: preset.folder, encoding: 'utf8', env: outside() },
  )
  expect(stderr).toBe('')
  expect(JSON.parse(await readFile(preset.path('report.json'), 'utf8'))).toMatchObject({
    numPassedTests: 5,
    numTotalTests: 5,
  })
  expect(status).toBe(0)
}, 600_000)

test('packed, it is used in a project as its README says', async () => {
  await linkTools(preset)
  expect(preset.typecheck('tsconfig.build.json')).toEqual({ code: 0, out: '', err: '' })
  const said = npm(preset.folder, 'pack', '--ignore-scripts', '--silent')
  const team = new Team(join(installed.folder, 'reader'), preset.path('node_modules/runbook/bin/runbook.js'))
  await mkdir(team.path(`node_modules/${name}`), { recursive: true })
  await extract({ file: preset.path(said.trim()), cwd: team.path(`node_modules/${name}`), strip: 1 })
  await symlink(preset.path('node_modules/runbook'), team.path('node_modules/runbook'))
  await linkTools(team)
  const files = ['package.json', 'README.md', 'dist/index.js', 'dist/index.d.ts']
  for (const file of files)
    expect((await lstat(team.path(`node_modules/${name}/${file}`))).isFile()).toBe(true)

  const readme = await readFile(preset.path('README.md'), 'utf8')
  const written = [...readme.matchAll(/^```ts\n\/\/ (\S+)\n([^]*?)^```$/gm)]
  expect(written.map(([, file]) => file)).toEqual(['runbook.config.ts', 'runbooks/miniflux-restore.ts'])
  await writeFile(team.path('package.json'), '{ "private": true, "type": "module" }')
  for (const [, file = '', text = ''] of written) {
    await mkdir(dirname(team.path(file)), { recursive: true })
    await writeFile(team.path(file), text)
  }
  await cp(preset.path('tsconfig.json'), team.path('tsconfig.json'))
  const config = JSON.parse(await readFile(team.path('tsconfig.json'), 'utf8')) as object
  await writeFile(
    team.path('tsconfig.json'),
    JSON.stringify({ ...config, include: ['runbook.config.ts', 'runbooks'] }),
  )
  expect(team.typecheck()).toEqual({ code: 0, out: '', err: '' })

  const { code, out, err } = team.runbook('list')
  expect(err).toBe('')
  expect(out).toMatch(/^miniflux-restore\n {2}Restore Miniflux from a dump$/m)
  expect(code).toBe(0)
  const plan = team.runbook('show', 'miniflux-restore')
  expect(plan.out).toContain('Check that Miniflux upgrades its schema')
  expect(plan.out).toContain('Checks that miniflux is declared with RUN_MIGRATIONS=1.')
  expect(plan.code).toBe(0)
}, 120_000)

function npm(folder: string, ...args: readonly string[]): string {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', env: outside(), stdio: 'pipe' })
}

/** The environment of a shell, without what this runner of tests and its npm set. */
function outside(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([variable]) => !/^(?:VITEST|NODE_OPTIONS|NODE_ENV|TEST$)/.test(variable),
    ),
  )
}

async function linkTools(team: Team): Promise<void> {
  for (const tool of ['vitest', 'typescript', '@types/node']) {
    const at = team.path(`node_modules/${tool}`)
    if ((await lstat(at).catch(() => null)) !== null) continue
    await mkdir(dirname(at), { recursive: true })
    await symlink(join(root, 'node_modules', tool), at)
  }
}

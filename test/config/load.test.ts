import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { targetOf } from '../../src/config/target.ts'
import { thisTruster, Trust } from '../../src/config/trust.ts'

let root = ''
const told: string[] = []
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'config-'))
  await mkdir(join(root, 'repo', '.git'), { recursive: true })
  await mkdir(join(root, 'repo', 'packages', 'ops'), { recursive: true })
})
afterEach(() => void told.splice(0))
afterEach(() => rm(root, { recursive: true, force: true }))

const load = (
  directory: string,
  file?: string,
  exceptions: readonly string[] = [],
): ReturnType<typeof loadConfig> =>
  loadConfig({
    directory: join(root, directory),
    file,
    environment: { XDG_STATE_HOME: '/xdg' },
    trust: new Trust(thisTruster({}), exceptions, (flaw) => told.push(flaw)),
  })
const write = (path: string, text: string): Promise<void> =>
  writeFile(join(root, path), text, { mode: 0o600 })
const good = "export default { targets: { demo: { title: 'Demo' as string } } }\n"

test('is found from a folder below, past a package of its own', async () => {
  await write('repo/runbook.config.ts', good)
  await write('repo/packages/ops/package.json', '{}')
  const loaded = await load('repo/packages/ops')
  expect(loaded).toMatchObject({
    file: join(root, 'repo/runbook.config.ts'),
    artifacts: join(root, 'repo/artifacts'),
    state: '/xdg/runbook',
    runbooks: [],
  })
  await mkdir(join(root, 'repo/runbooks'))
  expect((await load('repo/packages/ops')).runbooks).toEqual([join(root, 'repo/runbooks')])
})

test('a Compose project without a name is called as Compose calls it', async () => {
  await mkdir(join(root, 'repo', 'My App.v2'))
  await write('repo/My App.v2/plain.yml', 'services: { web: { image: x } }\n')
  await write('repo/My App.v2/named.yml', '# name: other\nname: Shop\nservices: {}\n')
  await write('repo/My App.v2/variable.yml', 'name: ${NAME}\n')
  const stacks = {
    folder: { files: ['My App.v2/plain.yml'] },
    named: { files: ['My App.v2/named.yml', 'My App.v2/plain.yml'] },
    missing: { files: ['My App.v2/none.yml'], directory: './_-Home' },
    own: { files: ['My App.v2/named.yml'], project: 'own' },
    variable: { files: ['My App.v2/variable.yml'] },
  }
  const targets = Object.fromEntries(
    Object.entries(stacks).map(([name, more]) => [name, { stack: { kind: 'compose', ...more } }]),
  )
  await write('repo/runbook.config.ts', `export default { targets: ${JSON.stringify(targets)} }\n`)
  const { config, basePaths } = await load('repo')
  const projectOf = (name: string) => targetOf(config, name, basePaths).stack?.project
  expect(['folder', 'named', 'missing', 'own'].map(projectOf)).toEqual(['myappv2', 'shop', 'home', 'own'])
  expect(() => projectOf('variable')).toThrow('its Compose project cannot be derived from name: ${NAME}')
})

test.each(['ts', 'mts', 'js', 'mjs'])('may be called runbook.config.%s', async (ending) => {
  const name = `runbook.config.${ending}`
  await write(`repo/${name}`, good.replace(' as string', ending.endsWith('ts') ? ' as string' : ''))
  expect((await load('repo/packages/ops')).file).toBe(join(root, 'repo', name))
})

test('is one file: of two in a folder neither is read, and the nearest folder with one wins', async () => {
  await write('repo/runbook.config.ts', good)
  await write('repo/packages/runbook.config.mjs', 'throw new Error("was read")')
  await write('repo/packages/runbook.config.ts', 'throw new Error("was read")')
  await write('repo/packages/ops/runbook.config.mts', good)
  expect((await load('repo/packages/ops')).file).toBe(join(root, 'repo/packages/ops/runbook.config.mts'))
  await expect(load('repo/packages')).rejects.toMatchObject({
    code: 'usage',
    message: `more than one configuration in ${join(root, 'repo/packages')}: runbook.config.ts, runbook.config.mjs`,
    hint: 'keep one of them, or name the one to use: --config FILE',
  })
})

test('may be CommonJS that was compiled from a module', async () => {
  await write(
    'repo/compiled.cjs',
    "exports.__esModule = true\nexports.default = { targets: { demo: { title: 'Demo' } } }\n",
  )
  expect((await load('repo', 'compiled.cjs')).config.targets['demo']?.title).toBe('Demo')
})

test('where it is missing, a file that is nearly called so is named', async () => {
  await expect(load('repo')).rejects.toMatchObject({ hint: expect.stringContaining('runbook init') })
  await write('repo/runbook.config.cjs', 'module.exports = {}')
  await expect(load('repo')).rejects.toMatchObject({
    hint: expect.stringMatching(/^there is runbook\.config\.cjs: name it runbook\.config\.ts, /),
  })
})

test('is not looked for above the repository', async () => {
  await write('runbook.config.ts', good)
  await expect(load('repo')).rejects.toThrow(
    `runbook.config.ts not found in ${join(root, 'repo')} or above it`,
  )
})

test('is read from the file named', async () => {
  await write('repo/other.ts', good)
  expect((await load('repo', 'other.ts')).config.targets['demo']?.title).toBe('Demo')
  await expect(load('repo', 'none.ts')).rejects.toThrow('cannot load none.ts')
})

test('says what is wrong with a file that does not load', async () => {
  await write('repo/runbook.config.ts', 'throw new Error("half a file")')
  await expect(load('repo')).rejects.toThrow(/cannot load .*runbook\.config\.ts/)
  const model = new URL('../../src/model/step.ts', import.meta.url).href
  await write(
    'repo/step.ts',
    `import { defineStep } from '${model}'\ndefineStep({ kind: 'team.pause' } as never)`,
  )
  await expect(load('repo', 'step.ts')).rejects.toMatchObject({
    code: 'usage',
    message: `cannot load ${join(root, 'repo/step.ts')}`,
    cause: { message: 'the step team.pause has no version' },
    hint: 'give it a whole number: version: 1',
  })
  await write('repo/empty.ts', '')
  await expect(load('repo', 'empty.ts')).rejects.toThrow('exports nothing')
  await write('repo/wrong.ts', 'export default { targets: { demo: { titel: 1 } } }')
  await expect(load('repo', 'wrong.ts')).rejects.toMatchObject({
    code: 'usage',
    message: `cannot use ${join(root, 'repo/wrong.ts')}:\n  targets.demo: unknown setting "titel"; did you mean "title"?`,
  })
})

test('is not loaded where everybody could have written it, unless that is wanted', async () => {
  await write('repo/runbook.config.ts', good)
  await chmod(join(root, 'repo/runbook.config.ts'), 0o666)
  await expect(load('repo')).rejects.toThrow('it is world-writable')
  expect((await load('repo', undefined, [join(root, 'repo')])).file).toContain('runbook.config.ts')
  expect(told).toEqual([`${join(root, 'repo/runbook.config.ts')} (is world-writable)`])
  await chmod(join(root, 'repo/runbook.config.ts'), 0o600)
  await chmod(join(root, 'repo'), 0o777)
  await expect(load('repo')).rejects.toThrow(`: ${join(root, 'repo')} is world-writable`)
})

import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { neededBy } from './fixtures/import-graph.ts'
import { readByPath, suitesThatNeed } from './fixtures/related-suites.ts'
import { realSuites } from './fixtures/suite-times.ts'

const real = new Set(globSync(realSuites))
const quick = globSync('test/**/*.test.ts').filter((file) => !real.has(file))
const asks = 'test/fixtures/requirements.ts'

/** What brings up or asks for a part that not every machine has. */
const realParts = [
  asks,
  'test/fixtures/real-parts.ts',
  'test/fixtures/programs.ts',
  'test/fixtures/compose-stack.ts',
  'test/fixtures/private-docker.ts',
  'test/fixtures/postgres-cluster.ts',
  'test/fixtures/loop-disk.ts',
  'test/fixtures/strace.ts',
]

describe('the name of a suite says whether it needs real parts', () => {
  test('suites are found, and so is what they need', () => {
    expect(quick.length).toBeGreaterThan(80)
    expect(real.size).toBeGreaterThan(50)
    expect(realParts.filter((part) => globSync(part).length === 0)).toEqual([])
    expect(neededBy('test/adapters/postgres/swap.postgres.test.ts')).toContain(asks)
    expect(neededBy('test/cli/usage.test.ts')).toContain('src/cli/main.ts')
  })

  test('no quick suite asks for one or brings one up', () => {
    const own = new Set(['test/suites.test.ts', 'test/fixtures/real-parts.test.ts'])
    expect(
      quick
        .filter((file) => !own.has(file))
        .flatMap((file) =>
          realParts.filter((part) => neededBy(file).has(part)).map((part) => `${file} needs ${part}`),
        ),
    ).toEqual([])
  })
})

describe('npm run check', () => {
  test('runs the suites that read a changed file by path, as well as those that import it', () => {
    const suites = suitesThatNeed(['runbooks/prune.ts'])
    expect(suites).toContain('test/steps/prune.matrix.test.ts')
    expect(suites).toContain('test/steps/diagnose.test.ts')
    expect(suites).toContain('test/generated.test.ts')
    expect(suitesThatNeed(['docs/limits.md'])).toContain('test/docs/links.test.ts')
    expect(suitesThatNeed(['docs/limits.md'])).not.toContain('test/steps/diagnose.test.ts')
  })

  test.each([
    ['runbook.config.ts', 'test/generated.test.ts'],
    ['.oxfmtrc.json', 'test/generated.test.ts'],
    ['src/index.ts', 'test/docs/code.test.ts'],
    ['steps/services/stop-services.ts', 'test/docs/code.test.ts'],
    ['runbooks/prune.ts', 'test/cli/usage.test.ts'],
    ['runbooks/prune.ts', 'test/config/catalogue.test.ts'],
    ['src/new/file.ts', 'test/docs/program.test.ts'],
    ['vitest.config.ts', 'test/kernel/json.test.ts'],
    ['package-lock.json', 'test/kernel/json.test.ts'],
  ])('runs, for a change of %s, %s', (file, suite) => {
    expect(suitesThatNeed([file])).toContain(suite)
  })

  test('follows a file to those that it names, also where they were removed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'graph-'))
    const [suite, gone] = [join(folder, 'one.test.ts'), join(folder, 'gone.ts')]
    await writeFile(suite, "start('./gone.ts')\n")
    expect([...neededBy(suite)]).toContain(relative(process.cwd(), gone))
    await rm(folder, { recursive: true })
  })

  test('knows what every quick suite reads by path', () => {
    const readers = quick.filter((file) =>
      /\bjoin\(import\.meta\.dirname\b|\b(?:readFileSync|readdirSync)\(join\(root\b|\bglobSync\(|from '\.\/pages\.ts'/.test(
        readFileSync(file, 'utf8'),
      ),
    )
    expect(readers.length).toBeGreaterThan(5)
    expect(
      readers.filter((file) => readByPath[file] === undefined),
      'add what these suites read by path to readByPath in test/fixtures/related-suites.ts',
    ).toEqual([])
  })

  test('names only suites and files that exist', () => {
    const paths = Object.entries(readByPath).flat(2)
    expect(paths.filter((path) => globSync(path).length === 0)).toEqual([])
  })
})

describe('every runbook is proven in memory', () => {
  /** Names of the runbooks that a suite hands to `provesItself`, told from its text. */
  const provenIn = (text: string): readonly string[] => {
    // A machine runs a runbook without proving it.
    const rest = text.replaceAll(/^import .*$/gm, '').replaceAll(/\bfakeMachine\([^{]*\{[^}]*\}/g, '')
    if (!/\bprovesItself\b/.test(rest)) return []
    return [...text.matchAll(/^import (\w+) from '.*\/runbooks\/([\w-]+)\.ts'$/gm)].flatMap(
      ([, local = '', name = '']) =>
        new RegExp(`\\bbook: ${local}\\b${local === 'book' ? '|[{\\s]book,' : ''}`).test(rest) ? [name] : [],
    )
  }

  test('is told from the text of a suite', () => {
    const imports =
      "import undo from '../../runbooks/undo.ts'\nimport { provesItself } from '../fixtures/matrix.ts'\n"
    expect(provenIn(`${imports}provesItself({ ...common, book: undo })\n`)).toEqual(['undo'])
    expect(provenIn(`${imports}provesItself(other)\nfakeMachine(world(), { book: undo, target })\n`)).toEqual(
      [],
    )
    expect(provenIn(`${imports}const common = { book: undo, target }\n`)).toEqual([])
  })

  test('by a procedure in test/steps', () => {
    const proven = new Set(
      globSync('test/steps/*.test.ts').flatMap((file) => provenIn(readFileSync(file, 'utf8'))),
    )
    expect(proven.size).toBeGreaterThan(20)
    const missing = globSync('runbooks/*.ts')
      .map((file) => basename(file, '.ts'))
      .filter((name) => !proven.has(name))
    expect(
      missing,
      missing
        .map(
          (name) =>
            `write test/steps/${name}.matrix.test.ts, which imports runbooks/${name}.ts as book and calls ` +
            'provesItself({ name, book, target, params, world, succeeded, records }) from test/fixtures/matrix.ts',
        )
        .join('\n'),
    ).toEqual([])
  })
})

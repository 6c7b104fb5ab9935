import { globSync, readFileSync } from 'node:fs'
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

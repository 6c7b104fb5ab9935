import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { neededBy } from './fixtures/import-graph.ts'
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

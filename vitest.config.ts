import { defineConfig } from 'vitest/config'

/** Suites on real parts: each has stacks, ports and folders of its own. They wait for servers half of their time, so that two at once take less. */
const real = [
  'test/**/*.{docker,compose,postgres,stack}.test.ts',
  'test/**/*.{docker,compose,postgres,stack}.*.test.ts',
  'test/{crash,runbooks}/**/*.test.ts',
]

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/fixtures/skipped-suites.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: real,
          maxWorkers: 2,
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: real,
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, checker: 'tsc', include: ['test/types/**/*.test-d.ts'] },
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})

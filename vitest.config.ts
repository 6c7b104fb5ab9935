import { defineConfig } from 'vitest/config'
import LongestFirst from './test/fixtures/longest-first.ts'
import { realSuites } from './test/fixtures/suite-times.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/fixtures/suite-times.ts', './test/fixtures/skipped-suites.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: [realSuites],
          maxWorkers: 2,
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: [realSuites],
          maxWorkers: 2,
          globalSetup: './test/fixtures/announce-missing.ts',
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})

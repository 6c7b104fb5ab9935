import { defineConfig } from 'vitest/config'
import { compileCache } from './test/fixtures/compile-cache.ts'
import { memoryFolder } from './test/fixtures/memory-folder.ts'
import LongestFirst from './test/fixtures/longest-first.ts'
import { programsOfPostgresFirst } from './test/fixtures/programs.ts'
import { realSuites } from './test/fixtures/suite-times.ts'

/** Suites that change their process for good: a native library reads its settings once. */
const isolated = ['test/adapters/sqlite/damage.test.ts']

/** Suites of a run share the processes that run commands. */
const sharedCommands = './test/fixtures/shared-commands.ts'

/** Commands that are processes of their own load the program in few files. */
const bundle = './test/fixtures/bundle-program.ts'

/** One more than the processors of a small machine: some tests wait, and would leave one of them idle. */
const quick = {
  maxWorkers: 3,
  testTimeout: 20_000,
  hookTimeout: 30_000,
  env: { ...compileCache, TMPDIR: memoryFolder },
}

export default defineConfig({
  test: {
    pool: 'forks',
    // Of the programs that tests start, and of the workers themselves.
    env: compileCache,
    reporters: ['default', './test/fixtures/suite-times.ts', './test/fixtures/skipped-suites.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { ...quick, name: 'isolated', include: isolated },
      },
      {
        extends: true,
        test: {
          ...quick,
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: [realSuites, ...isolated],
          globalSetup: [sharedCommands, bundle],
          // Code that many suites run is loaded and compiled once a worker.
          isolate: false,
          setupFiles: './test/fixtures/shared-process.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: [realSuites],
          env: { ...compileCache, ...programsOfPostgresFirst() },
          // Two more than the processors: they wait for containers, servers and health checks. With one more a twentieth is idle.
          maxWorkers: 4,
          globalSetup: ['./test/fixtures/announce-missing.ts', sharedCommands, bundle],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})

import { defineConfig } from 'vitest/config'
import { compileCache } from './test/fixtures/compile-cache.ts'
import { memoryFolder } from './test/fixtures/memory-folder.ts'
import LongestFirst from './test/fixtures/longest-first.ts'
import { programsOfPostgresFirst } from './test/fixtures/programs.ts'
import { realSuites } from './test/fixtures/suite-times.ts'

/**
 * The engine and the runbooks on the in-memory world, and code that decides, reads or writes: nothing in their modules or
 * processes is changed by a test, as shared-process.ts checks.
 */
const inMemory = [
  'test/{bench,conduct,config,formats,import,init,kernel,model,run,scripts,steps,testing,views}/**/*.test.ts',
  'test/adapters/{docker,environment,evidence,journal,postgres}/**/*.test.ts',
  'test/adapters/{all-orphans,dump-stream,extra-data}.test.ts',
  'test/adapters/disk/{durable,gpg-decrypt,nameless-file,parallel-gzip}.test.ts',
  'test/adapters/sqlite/{file-version,files,fingerprint,lost,objects}.test.ts',
  'test/adapters/web/{listen,live}.test.ts',
  'test/cli/{command-hints,journal,lazy}.test.ts',
  'test/cli/site/*.test.ts',
  'test/contracts/*.memory.test.ts',
  'test/contracts/{backups.disk,commands.process,conductor.*,git.system,http.network,journal.sqlite}.test.ts',
  'test/contracts/{people.terminal,releases.github,secrets.system,timers.programs}.test.ts',
  'test/docs/{links,media}.test.ts',
  'test/fixtures/{real-parts,skipped-suites}.test.ts',
  'test/{github-release,suites}.test.ts',
]

/** Suites of a run share the processes that run commands. */
const sharedCommands = './test/fixtures/shared-commands.ts'

/** Commands that are processes of their own load the program in few files. */
const bundle = './test/fixtures/bundle-program.ts'

/** One more than the processors of a small machine: some tests wait, and would leave one of them idle. */
const quick = {
  maxWorkers: 3,
  globalSetup: [sharedCommands, bundle],
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
        test: {
          ...quick,
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: [realSuites, ...inMemory],
        },
      },
      {
        extends: true,
        test: {
          ...quick,
          globalSetup: [],
          name: 'in-memory',
          include: inMemory,
          exclude: [realSuites],
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

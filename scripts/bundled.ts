/**
 * How the program is bundled: opening and linking hundreds of modules takes most of the time of a short command. Both the package and the
 * commands that tests start are made so.
 */
import type { InputOptions, OutputOptions } from 'rolldown'

/** What is started or imported by its path, below `src`. */
export const entrances = ['cli/main', 'index', 'testing/index', 'adapters/sqlite/work']

/**
 * What a bundle contains. Opening the files of a package takes longer than running what a start needs of them, and of zod
 * the texts in all languages are most, which only a bundler can leave out.
 */
const contained =
  /^(?:zod|commander|cosmiconfig|env-paths|is-in-ci|leven|ms|pretty-bytes|pretty-ms|parse-ms|d3-[a-z-]+|internmap|xmlbuilder)(?:\/|$)/

const own = (pattern: string): RegExp => new RegExp(`/src/(?:${pattern})`)

/** What is loaded together is in one file, from bottom to top: each may load those before it, and none after it. */
const groups: readonly { readonly name: string; readonly test: RegExp }[] = [
  { name: 'own-code', test: own(String.raw`kernel/own-code\.ts|cli/package-root\.ts`) },
  { name: 'kernel', test: own('kernel/') },
  { name: 'zod', test: /\/node_modules\/zod\// },
  {
    name: 'command-line',
    test: own(
      'cli/(?:command-line|program|context|catalog|team-modules|flags|duties|error-report|command-hints)',
    ),
  },
  // Script steps load zx, and few commands read the code of steps: both stay by themselves.
  {
    name: 'configuration',
    test: own(String.raw`(?:drivers|formats|sections|config)/|model/(?!step-source|plan)|scripts/at-work`),
  },
  {
    name: 'past-runs',
    test: own(
      String.raw`run/journal/|views/(?:list|fit|status|standing|history|past-runs|amounts|columns)\.ts`,
    ),
  },
  { name: 'journal', test: own('adapters/journal/') },
  {
    name: 'run',
    test: own(
      String.raw`run/|model/|conduct/|adapters/(?:process|terminal|environment|git)/|cli/(?:session|wire|drivers|lazy|live-view|locks|story|provenance)`,
    ),
  },
  { name: 'evidence', test: own('adapters/evidence/|views/') },
]

export const bundled = (
  root: string,
  names: readonly string[],
  folder: string,
): InputOptions & { readonly output: OutputOptions } => ({
  cwd: root,
  input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  external: (id) => !/^[./]/.test(id) && !contained.test(id),
  output: {
    dir: folder,
    format: 'esm',
    minify: false,
    comments: { legal: true, annotation: false, jsdoc: false },
    // Two levels down, so that `ownRoot` is where it is in a checkout.
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups: groups.map((group, index) => ({ ...group, priority: groups.length - index })) },
  },
})

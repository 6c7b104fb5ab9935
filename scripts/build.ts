/**
 * Builds what the package brings. TypeScript writes all of it first: its declarations stay, and so does its JavaScript of the
 * steps and runbooks, whose code is part of a plan's digest. The program around them is then bundled, since opening and
 * linking hundreds of modules takes most of the time of a short command.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})

/** What is started or imported by its path. */
const entrances = ['cli/main', 'index', 'testing/index', 'adapters/sqlite/work']

for (const file of globSync('src/**/*.{js,json}', { cwd: dist })) rmSync(join(dist, file))

/**
 * What the build contains. Opening the files of a package takes longer than running what a start needs of them, and of zod
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

const { output } = await build({
  cwd: root,
  input: Object.fromEntries(entrances.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  external: (id) => !/^[./]/.test(id) && !contained.test(id),
  output: {
    dir: join(dist, 'src'),
    format: 'esm',
    minify: false,
    comments: { legal: true, annotation: false, jsdoc: false },
    // Two levels down, so that `ownRoot` is where it is in a checkout.
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups: groups.map((group, index) => ({ ...group, priority: groups.length - index })) },
  },
})

/** Folders of the packages that the build contains. */
const packages = new Set(
  output.flatMap((part) =>
    part.type === 'chunk'
      ? part.moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
      : [],
  ),
)
const licences = [...packages].sort().map((folder) => {
  const [file] = globSync('{LICENSE,LICENCE,license}*', { cwd: folder })
  if (file === undefined) throw new Error(`${folder} lacks a licence to bring with its code`)
  return `${basename(folder)}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
})
writeFileSync(join(dist, 'src/chunks/contained.LICENSES'), licences.join(`\n${'-'.repeat(80)}\n\n`))

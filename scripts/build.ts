/**
 * Builds what the package brings. TypeScript writes all of it first: its declarations stay, and so does its JavaScript of the
 * steps and runbooks, whose code is part of a plan's digest. The program around them is then bundled, since opening and
 * linking hundreds of modules takes most of the time of a short command.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
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

await build({
  cwd: root,
  input: Object.fromEntries(entrances.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  // Of zod, the texts in all languages are most, and only a bundler can leave them out.
  external: (id) => !/^[./]/.test(id) && !/^zod(\/|$)/.test(id),
  output: {
    dir: join(dist, 'src'),
    format: 'esm',
    minify: false,
    comments: { legal: true, annotation: false, jsdoc: false },
    // Two levels down, so that `ownRoot` is where it is in a checkout.
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: {
      groups: [
        { name: 'zod', test: /\/node_modules\/zod\//, priority: 9 },
        { name: 'own-code', test: /\/src\/kernel\/own-code\.ts$/, priority: 9 },
        // Every command needs these. Imports point down, so that a folder brings no other along.
        { name: 'kernel', test: /\/src\/kernel\//, priority: 8 },
        { name: 'drivers', test: /\/src\/drivers\//, priority: 7 },
      ],
    },
  },
})

copyFileSync(join(root, 'node_modules/zod/LICENSE'), join(dist, 'src/chunks/zod.LICENSE'))

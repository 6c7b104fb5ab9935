/**
 * How the program is bundled: opening and linking hundreds of modules takes most of the time of a short command. Both the package and the
 * commands that tests start are made so.
 */
import type { InputOptions, OutputOptions } from 'rolldown'

/** What is started or imported by its path, below `src`. */
export const entrances = ['cli/main', 'index', 'testing/index', 'adapters/sqlite/work']

export const bundled = (
  root: string,
  names: readonly string[],
  folder: string,
): InputOptions & { readonly output: OutputOptions } => ({
  cwd: root,
  input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  // Of zod, the texts in all languages are most, and only a bundler can leave them out.
  external: (id) => !/^[./]/.test(id) && !/^zod(\/|$)/.test(id),
  output: {
    dir: folder,
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

import { z } from 'zod'
import { section } from './parts/section.ts'
import { strict, text, texts } from './parts/values.ts'

/** Bundles of a checkout's tracked files, each described by a lock file. */
export type Release = {
  /** The checkout whose tracked files are packed. */
  readonly source: string
  /** Start of file names: `NAME-v1.0.1-2025-09-22T101500Z.tar.gz`. */
  readonly name: string
  /** Folder of bundles, lock files and `SHA256SUMS`. */
  readonly directory: string
  /** The value of `env` in lock files. */
  readonly environment: string
  /** Tracked files left out of bundles: a name anywhere, a pattern with a slash from the top. */
  readonly exclude: readonly string[]
  /** How many bundles pruning keeps. */
  readonly keep: number
  /** Text files that name bundles which must not be pruned, such as a pointer to what is deployed. */
  readonly inUse: readonly string[]
}

export const release = section({
  about: "How release bundles are made of a checkout's tracked files, and which ones are kept.",
  schema: strict({
    source: text.default('.').describe('The git checkout whose tracked files are packed.'),
    name: text
      .regex(/^[A-Za-z0-9][\w.-]*$/, 'expected letters, digits, dots, hyphens and underscores')
      .describe("Start of the bundles' names: `NAME-v1.0.1-2025-09-22T101500Z.tar.gz`."),
    directory: text
      .optional()
      .describe('Folder for bundles, lock files and `SHA256SUMS`.')
      .meta({ otherwise: '`releases` in the checkout' }),
    environment: text.default('prod').describe('Value of `env` in lock files.'),
    exclude: texts
      .default(['node_modules', 'releases/*', '.cache', 'playwright-report', 'test-results'])
      .describe(
        'Tracked files to exclude from bundles: a name wherever it occurs, a pattern with a slash from the top.',
      ),
    keep: z.int().min(1).default(5).describe('How many bundles `prune` keeps.'),
    inUse: texts
      .default([])
      .describe(
        'Text files that name bundles to keep, one per line, such as a pointer to what is deployed. A missing file names none.',
      ),
  }),
  example: { name: 'shop', directory: './releases', inUse: ['deployed.txt'] },
  resolve: ({ source, directory, inUse, ...rest }, { path }): Release => {
    const checkout = path(source)
    return {
      ...rest,
      source: checkout,
      directory: directory === undefined ? `${checkout}/releases` : path(directory),
      inUse: inUse.map(path),
    }
  },
})

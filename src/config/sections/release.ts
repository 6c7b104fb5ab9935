import { z } from 'zod'
import type { Release } from '../../model/sections/release.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text, texts } from '../values.ts'

export type ReleaseConfig = {
  /** The checkout. Default: the folder of `runbook.config.ts`. */
  readonly source?: string
  /** What the names of bundles start with. */
  readonly name: string
  /** Default `releases` in the checkout. */
  readonly directory?: string
  /** What lock files say under `env`. Default `prod`. */
  readonly environment?: string
  /**
   * Tracked files that stay out of bundles: a name wherever it occurs, a pattern with a slash from the top.
   * Default `node_modules`, `releases/*`, `.cache`, `playwright-report`, `test-results`.
   */
  readonly exclude?: readonly string[]
  /** How many bundles stay when others are pruned. Default 5. */
  readonly keep?: number
  /** Text files that name bundles which must stay, one a line, such as a pointer to what is deployed. A missing one names none. */
  readonly inUse?: readonly string[]
}

export const releaseSchema = strict({
  source: text.default('.'),
  name: text.regex(/^[A-Za-z0-9][\w.-]*$/, 'expected letters, digits, dots, hyphens and underscores'),
  directory: text.optional(),
  environment: text.default('prod'),
  exclude: texts.default(['node_modules', 'releases/*', '.cache', 'playwright-report', 'test-results']),
  keep: z.int().min(1).default(5),
  inUse: texts.default([]),
})

export function releaseOf(
  { source, directory, inUse, ...rest }: z.output<typeof releaseSchema>,
  bearings: BasePaths,
): Release {
  const checkout = absolute(source, bearings)
  return {
    ...rest,
    source: checkout,
    directory: directory === undefined ? `${checkout}/releases` : absolute(directory, bearings),
    inUse: inUse.map((file) => absolute(file, bearings)),
  }
}

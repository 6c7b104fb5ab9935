/** Bundles made of a checkout's tracked files, each with a lock file that says what it is. */
export type Release = {
  /** The folder of the checkout whose tracked files are packed. */
  readonly source: string
  /** What file names start with: `NAME-v1.0.1-2025-09-22T101500Z.tar.gz`. */
  readonly name: string
  /** Where bundles, lock files and `SHA256SUMS` lie. */
  readonly directory: string
  /** As lock files say it under `env`. */
  readonly environment: string
  /** Tracked files that stay out of bundles: names anywhere, patterns with a slash from the top. */
  readonly exclude: readonly string[]
  /** How many bundles stay when the others are pruned. */
  readonly keep: number
  /** Text files that name bundles which must not be pruned, as a pointer to what is deployed does. */
  readonly inUse: readonly string[]
}

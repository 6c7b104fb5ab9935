import type { HealthCheck } from '../../drivers/http.ts'
import type { ComposeStack } from '../../drivers/services.ts'

/** One of the environments that share a host and a repository of images. */
export type ImageEnvironment = {
  readonly name: string
  readonly stack: ComposeStack
  readonly service: string
  /** The name that the Compose file asks for, `codex-completions-api:latest`: whatever has it is what `up` starts. */
  readonly canonical: string
  readonly health: readonly HealthCheck[]
}

/** Images that are snapshot before a risky change, and rolled back after a bad one. */
export type StackImages = {
  readonly repository: string
  readonly environments: readonly ImageEnvironment[]
  /** Where tar files, pointers and history lie. */
  readonly folder: string
  /** Start of the names of pointers: `codex-latest-` of `codex-latest-prod.iid`. */
  readonly pointers: string
  /** Absolute; one JSON line a snapshot and environment. */
  readonly history: string
  /** Where lock files lie. */
  readonly releases: string
  /** Start of the names of lock files: `stack-images`. */
  readonly locks: string
  /** How many snapshots `prune` keeps. */
  readonly keep: number
}

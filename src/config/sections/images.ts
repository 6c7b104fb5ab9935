import { join } from 'node:path'
import { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { StackImages } from '../../model/sections/images.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import { strict, text } from '../values.ts'
import { composeStackOf, composeStackSchema, type ComposeStackConfig } from './compose-stack.ts'
import { healthOf, healthSchema, type HealthConfig } from './health.ts'

export type ImagesConfig = {
  /** Without a tag: `codex-completions-api`. */
  readonly repository: string
  readonly environments: {
    readonly [name: string]: {
      readonly service: string
      /** The tag that the Compose file asks for. */
      readonly tag: string
      /** Default: the target's own. */
      readonly stack?: ComposeStackConfig
      /** What must answer before a rollback of this environment counts as done. */
      readonly health?: readonly HealthConfig[]
    }
  }
  /** Folder of tar files, pointers and history. */
  readonly snapshots: string
  /** Start of the pointers' names. Default `latest-`. */
  readonly pointers?: string
  /** File name in `snapshots`. Default `image-history.jsonl`. */
  readonly history?: string
  /** Folder of lock files. */
  readonly releases: string
  /** Start of the lock files' names. Default `stack-images`. */
  readonly locks?: string
  /** Snapshots that `prune` keeps. Default 5. */
  readonly keep?: number
}

export const imagesSchema = strict({
  repository: text.refine(
    (name) => name.lastIndexOf(':') <= name.lastIndexOf('/'),
    'expected a name without a tag',
  ),
  environments: z
    .record(
      text.regex(/^[a-z][a-z0-9-]*$/, 'an environment is called by small letters, digits and hyphens'),
      strict({
        service: text,
        tag: text,
        stack: composeStackSchema.optional(),
        health: z.array(healthSchema).readonly().default([]),
      }),
    )
    .refine((given) => Object.keys(given).length > 0, 'expected at least one environment'),
  snapshots: text,
  pointers: text.default('latest-'),
  history: text.default('image-history.jsonl'),
  releases: text,
  locks: text.default('stack-images'),
  keep: z.int().min(1).default(5),
})

/** @param own the target's stack; asked for by an environment that names none, and to be refused where it is none of Compose */
export function imagesOf(
  raw: z.output<typeof imagesSchema>,
  own: () => Extract<Stack, { readonly kind: 'compose' }>,
  bearings: BasePaths,
): StackImages {
  const folder = absolute(raw.snapshots, bearings)
  return {
    repository: raw.repository,
    folder,
    pointers: raw.pointers,
    history: join(folder, raw.history),
    releases: absolute(raw.releases, bearings),
    locks: raw.locks,
    keep: raw.keep,
    environments: Object.entries(raw.environments).map(([name, { service, tag, stack, health }]) => ({
      name,
      service,
      canonical: `${raw.repository}:${tag}`,
      stack: stack === undefined ? own() : composeStackOf(stack, bearings),
      health: health.map((check) => healthOf(check, bearings)),
    })),
  }
}

import { join } from 'node:path'
import { z } from 'zod'
import type { HealthCheck } from '../drivers/http.ts'
import type { ComposeStack } from '../drivers/services.ts'
import { composeStack, composeStackOf } from './parts/compose-stack.ts'
import { healthCheck, healthCheckOf } from './parts/health-check.ts'
import { section, type SectionContext } from './parts/section.ts'
import { strict, text } from './parts/values.ts'

/** One of several environments that share a host and an image repository. */
export type ImageEnvironment = {
  readonly name: string
  readonly stack: ComposeStack
  readonly service: string
  /** The name in the Compose file, `codex-completions-api:latest`: `up` starts the image with this name. */
  readonly canonical: string
  readonly health: readonly HealthCheck[]
}

/** Images that are saved before a risky change and rolled back after a bad one. */
export type StackImages = {
  readonly repository: string
  readonly environments: readonly ImageEnvironment[]
  /** Folder of tar files, pointers and history. */
  readonly folder: string
  /** Start of pointer file names: `codex-latest-` of `codex-latest-prod.iid`. */
  readonly pointers: string
  /** Absolute; one JSON line per snapshot and environment. */
  readonly history: string
  /** Folder of lock files. */
  readonly releases: string
  /** Start of lock file names: `stack-images`. */
  readonly locks: string
  /** How many snapshots `prune` keeps. */
  readonly keep: number
}

const environment = strict({
  service: text.describe('The service of the stack that runs the image.'),
  tag: text.describe('The tag in the Compose file.'),
  stack: composeStack
    .optional()
    .describe('The Compose stack of this environment.')
    .meta({ otherwise: "the target's own stack" }),
  health: z
    .array(healthCheck)
    .readonly()
    .default([])
    .describe('Checks that must pass before a rollback of this environment is complete.'),
})

export const images = section({
  about:
    'Images of one or more environments on this host that are saved before a risky change and restored after a bad one.',
  schema: strict({
    repository: text
      .refine((name) => name.lastIndexOf(':') <= name.lastIndexOf('/'), 'expected a name without a tag')
      .describe('Name of the image without a tag.'),
    environments: z
      .record(
        text.regex(
          /^[a-z][a-z0-9-]*$/,
          'expected an environment name of lowercase letters, digits and hyphens',
        ),
        environment,
      )
      .refine((given) => Object.keys(given).length > 0, 'expected at least one environment')
      .describe('The environments by name, such as `prod` and `dev`.'),
    snapshots: text.describe('Folder for tar files, pointers and history. It needs room for `keep` images.'),
    pointers: text.default('latest-').describe("Start of the pointers' file names."),
    history: text.default('image-history.jsonl').describe('File name of the history in `snapshots`.'),
    releases: text.describe('Folder for lock files.'),
    locks: text.default('stack-images').describe("Start of the lock files' names."),
    keep: z.int().min(1).default(5).describe('How many snapshots `prune` keeps.'),
  }),
  example: {
    repository: 'shop',
    environments: { prod: { service: 'api', tag: 'latest' } },
    snapshots: './images',
    releases: './releases',
  },
  resolve: (raw, context): StackImages => {
    const folder = context.path(raw.snapshots)
    return {
      repository: raw.repository,
      folder,
      pointers: raw.pointers,
      history: join(folder, raw.history),
      releases: context.path(raw.releases),
      locks: raw.locks,
      keep: raw.keep,
      environments: Object.entries(raw.environments).map(([name, { service, tag, stack, health }]) => ({
        name,
        service,
        canonical: `${raw.repository}:${tag}`,
        stack: stack === undefined ? ownStack(context) : composeStackOf(stack, context),
        health: health.map((check) => healthCheckOf(check, context)),
      })),
    }
  },
})

function ownStack({ stack, unusable }: SectionContext): ComposeStack {
  const own = stack()
  if (own.kind === 'compose') return own
  throw unusable(
    'images requires a Compose stack, but the stack has kind process',
    'set a Compose stack for the environment',
  )
}

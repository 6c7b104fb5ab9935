import { z } from 'zod'
import { RunbookError } from '../../kernel/errors.ts'
import type { Stack } from '../../drivers/services.ts'
import type { VersionPin } from '../../model/sections/version.ts'
import { absolute, handleOf, type BasePaths } from '../base-paths.ts'
import type { SecretSource } from '../secret.ts'
import { oneOf, secretHandle, strict, text } from '../values.ts'

/** Releases are picked by a tag in an env file. */
export type VersionConfig = {
  /** Services that run the application's image. */
  readonly services: readonly string[]
  /** Default `IMAGE_TAG`. */
  readonly variable?: string
  /** The env file that holds it: one of the stack's. Default: the only one that the stack has. */
  readonly file?: string
  /** The image of a version, as `registry.example.com/api:{tag}`. */
  readonly image: string
  /**
   * `https://registry.example.com`, where `--from registry` looks for the version before this one (`/v2/NAME/tags/list` of the OCI
   * distribution API).
   */
  readonly registry?: string
  /** The bearer token that the registry wants. */
  readonly registryToken?: SecretSource
  /** Default `always`. `missing`: what is on this machine is not fetched again. */
  readonly pull?: 'always' | 'missing'
}

export const versionSchema = strict({
  services: z.array(text).min(1, 'expected at least one service').readonly(),
  variable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable')
    .default('IMAGE_TAG'),
  file: text.optional(),
  image: text.refine((image) => image.split('{tag}').length === 2, 'expected {tag} in it, once'),
  registry: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  registryToken: secretHandle.optional(),
  pull: oneOf('always', 'missing').default('always'),
})

/** @throws RunbookError `usage` where it is not clear which env file holds the tag, or Compose would not read that file */
export function versionOf(
  raw: z.output<typeof versionSchema>,
  stack: Stack,
  bearings: BasePaths,
): VersionPin {
  const read = stack.kind === 'compose' ? stack.envFiles : []
  const file = raw.file === undefined ? read[0] : absolute(raw.file, bearings)
  if (file === undefined || (raw.file === undefined && read.length > 1)) {
    throw new RunbookError('usage', `version.file is missing: the stack has ${read.length} env files`, {
      hint: 'name the one that holds the tag',
    })
  }
  if (!read.includes(file)) {
    throw new RunbookError(
      'usage',
      `version.file is ${file}, which is none of stack.envFiles, so Compose would never read the tag in it`,
      {
        hint: `stack.envFiles are ${read.join(', ') || 'empty'}`,
      },
    )
  }
  return {
    services: { stack, names: raw.services },
    file,
    variable: raw.variable,
    image: raw.image,
    pull: raw.pull,
    registry:
      raw.registry === undefined
        ? null
        : {
            tags: new URL(`/v2/${repositoryOf(raw.image)}/tags/list`, raw.registry).href,
            bearer: raw.registryToken === undefined ? null : handleOf(raw.registryToken, bearings),
          },
  }
}

/** `registry.example.com:5000/team/api:{tag}` is `team/api` there. A first part without a dot, a port or `localhost` is no host, as Docker reads it. */
function repositoryOf(image: string): string {
  const [host = '', ...rest] = image.replace(':{tag}', '').split('/')
  return rest.length > 0 && (/[.:]/.test(host) || host === 'localhost')
    ? rest.join('/')
    : [host, ...rest].join('/')
}

import type { SecretHandle } from '../drivers/secrets.ts'
import type { ServiceGroup } from '../drivers/services.ts'
import { RunbookError } from '../kernel/errors.ts'
import { section } from './parts/section.ts'
import { address, oneOf, secretHandle, services, strict, text, variableName } from './parts/values.ts'

/** Releases that are chosen by an image tag in an env file. */
export type VersionPin = {
  /** The services that run the application's image. */
  readonly services: ServiceGroup
  /**
   * The env file of the stack that has the tag. Every call of Compose reads it, so that none falls back to
   * another version.
   */
  readonly file: string
  /** The variable with the tag, such as `IMAGE_TAG`. */
  readonly variable: string
  /** The image of a version, with `{tag}` in it. */
  readonly image: string
  /** The registry's list of tags, and the token that it requires; null: no registry is asked. */
  readonly registry: { readonly tags: string; readonly bearer: SecretHandle | null } | null
  /** `always` pulls every image; `missing` only those that are not on this machine. */
  readonly pull: 'always' | 'missing'
}

export const version = section({
  about:
    'Releases that are chosen by a tag in an env file. An alternative to `imageLine` and `releaseFolders`.',
  schema: strict({
    services: services.describe("Services of the stack that run the application's image."),
    variable: variableName.default('IMAGE_TAG').describe('The variable that holds the tag.'),
    file: text
      .optional()
      .describe('The env file that holds the variable, one of `stack.envFiles`.')
      .meta({ otherwise: 'the only env file of the stack' }),
    image: text
      .refine((image) => image.split('{tag}').length === 2, 'expected {tag} in it, once')
      .describe('The image of a version, with `{tag}` in it: `registry.example.com/api:{tag}`.'),
    registry: address
      .optional()
      .describe(
        'Registry in which `--from registry` looks for the version before this one (`/v2/NAME/tags/list` of the OCI distribution API).',
      )
      .meta({ otherwise: 'no registry is queried' }),
    registryToken: secretHandle
      .optional()
      .describe('Bearer token for the registry.')
      .meta({ otherwise: 'none' }),
    pull: oneOf('always', 'missing')
      .default('always')
      .describe('`missing` does not fetch an image again that is on this machine.'),
  }),
  example: { services: ['api', 'worker'], image: 'registry.example.com/shop:{tag}' },
  resolve: (raw, context): VersionPin => {
    const stack = context.stack()
    const read = stack.kind === 'compose' ? stack.envFiles : []
    const file = raw.file === undefined ? read[0] : context.path(raw.file)
    if (file === undefined || (raw.file === undefined && read.length > 1)) {
      throw new RunbookError('usage', `version.file is not set, and the stack has ${read.length} env files`, {
        hint: 'set it to the one with the tag',
      })
    }
    if (!read.includes(file)) {
      throw new RunbookError(
        'usage',
        `version.file is ${file}, which is not one of stack.envFiles, so Compose would not read the tag in it`,
        { hint: `stack.envFiles are ${read.join(', ') || 'empty'}` },
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
              bearer: context.secret(raw.registryToken),
            },
    }
  },
})

/**
 * The repository in the registry: `team/api` for `registry.example.com:5000/team/api:{tag}`. As in Docker,
 * the first part is a host only if it has a dot or a port or is `localhost`.
 */
function repositoryOf(image: string): string {
  const [host = '', ...rest] = image.replace(':{tag}', '').split('/')
  return rest.length > 0 && (/[.:]/.test(host) || host === 'localhost')
    ? rest.join('/')
    : [host, ...rest].join('/')
}

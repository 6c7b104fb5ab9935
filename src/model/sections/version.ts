import type { SecretHandle } from '../../drivers/secrets.ts'
import type { ServiceGroup } from '../../drivers/services.ts'

/** Where it says which version of the application runs, for a team that picks releases by a tag in an env file. */
export type VersionPin = {
  /** The services that run the application's image. */
  readonly services: ServiceGroup
  /** The env file of the stack that holds the tag: every call of Compose reads it, so that no later one falls back to another version. */
  readonly file: string
  /** `IMAGE_TAG`. */
  readonly variable: string
  /** The image of a version, `{tag}` in it. */
  readonly image: string
  /** The list of tags that the image's registry gives, and what it wants for it; null: no registry is asked. */
  readonly registry: { readonly tags: string; readonly bearer: SecretHandle | null } | null
  /** `always`: a registry has every image. `missing`: only what is not on this machine is fetched. */
  readonly pull: 'always' | 'missing'
}

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
  /** The deployment history from which the last good version is taken; null where the team keeps none. */
  readonly history: string | null
  /** `always`: a registry has every image. `missing`: only what is not on this machine is fetched. */
  readonly pull: 'always' | 'missing'
}

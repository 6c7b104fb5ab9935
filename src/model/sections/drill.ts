import type { ServiceGroup } from '../../drivers/services.ts'

/** How a full drill is carried out on the live system. */
export type Drill = {
  /** The services that run on the live data folder, and from the release. */
  readonly services: ServiceGroup
  /** The folder that they run from: what a release bundle has at its top replaces what has the same name there. */
  readonly into: string
  /** Names in it that no bundle replaces. */
  readonly keep: readonly string[]
  /** Asks the service from outside whether it does its work, run in that folder; exit code 0 means that it does. */
  readonly smoke: readonly string[]
  readonly environment: { readonly [name: string]: string }
}

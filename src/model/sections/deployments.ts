import type { ServiceGroup } from '../../drivers/services.ts'

/** How a team knows which version ran when. */
export type Deployments = {
  /** The file with a line a deployment: `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`. */
  readonly history: string
}

/** For a team that picks releases by the image line of a Compose file. */
export type ImageLine = {
  /** The one service whose image is the version. */
  readonly services: ServiceGroup
  /** The Compose file of the stack in which its image line stands. */
  readonly file: string
}

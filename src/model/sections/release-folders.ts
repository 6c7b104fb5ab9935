import type { ServiceGroup } from '../../drivers/services.ts'

/** Releases that lie side by side in folders, with a link to the one that is live. */
export type ReleaseFolders = {
  /** The link by way of which the stack's files reach a release. */
  readonly link: string
  /** Where the folders of releases lie. */
  readonly directory: string
  /** Which release a container runs: a file that differs from one release to the next, in its folder and as a service sees it. */
  readonly proof: { readonly file: string; readonly services: ServiceGroup; readonly inside: string }
}

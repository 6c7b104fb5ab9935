import type { JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'

/** Where releases are published: a repository on a host with GitHub's API, and the token for it. */
export type ReleaseHost = {
  /** `https://api.github.com`, without a trailing slash. */
  readonly api: string
  /** `OWNER/NAME`. */
  readonly repository: string
  readonly token: SecretHandle
}

export type Asset = JsonObject & {
  readonly id: number
  readonly name: string
  readonly bytes: number
  /** As computed by the host during the upload; null if the host reports none. */
  readonly sha256: string | null
  /** False for the rest of an interrupted upload: it has no content but reserves its name. */
  readonly whole: boolean
}

export type HostedRelease = JsonObject & {
  readonly id: number
  readonly tag: string
  /** Visible only to people with write access to the repository. */
  readonly draft: boolean
  /** Of its page after publication, also for a draft. */
  readonly url: string
  readonly notes: string
  readonly assets: readonly Asset[]
}

/**
 * Every method throws RunbookError `failed`, with distinct messages: token rejected, token lacks permission,
 * repository not found, rate limit exceeded.
 */
export interface ReleasesView {
  /** The commit of a tag; null if there is no such tag. */
  commitOf(host: ReleaseHost, tag: string): Promise<string | null>
  /** Release and drafts of a tag, newest first. Drafts do not reserve their tag, so there may be several. */
  forTag(host: ReleaseHost, tag: string): Promise<readonly HostedRelease[]>
  /** The host's latest release: published and not a prerelease. Null if there is none. */
  latest(host: ReleaseHost): Promise<HostedRelease | null>
  /** Downloads an asset completely, without keeping it. */
  fetched(host: ReleaseHost, asset: Asset): Promise<{ readonly bytes: number; readonly sha256: string }>
}

export type Draft = {
  readonly tag: string
  readonly title: string
  /** Must be unique to the run, since a draft is recognised by it. The host appends the changes. */
  readonly notes: string
  readonly prerelease: boolean
}

export interface Releases extends ReleasesView {
  /** Creates a draft once: after a lost answer it is searched for first. On return `forTag` lists it. */
  draft(host: ReleaseHost, draft: Draft): Promise<HostedRelease>
  /**
   * Uploads a file or a text. Removes what an interrupted upload left under the name. Retries after a lost
   * connection, unless the complete asset has arrived.
   * @throws RunbookError `failed` if a complete asset has the name
   */
  upload(
    host: ReleaseHost,
    release: Pick<HostedRelease, 'id' | 'tag'>,
    name: string,
    from: { readonly file: string } | { readonly text: string },
  ): Promise<Asset>
  /** Downloads an asset into a new file, atomically. @throws RunbookError `failed` if the file exists */
  download(
    host: ReleaseHost,
    asset: Asset,
    to: string,
  ): Promise<{ readonly bytes: number; readonly sha256: string }>
  /** A missing asset is not an error. */
  removeAsset(host: ReleaseHost, asset: Pick<Asset, 'id'>): Promise<void>
  publish(host: ReleaseHost, release: Pick<HostedRelease, 'id'>): Promise<HostedRelease>
  /** Turns it back into a draft. Does not recall notifications or downloads. */
  withdraw(host: ReleaseHost, release: Pick<HostedRelease, 'id'>): Promise<HostedRelease>
  /** Its tag stays. A missing release is not an error. */
  remove(host: ReleaseHost, release: Pick<HostedRelease, 'id'>): Promise<void>
}

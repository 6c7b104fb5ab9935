import type { JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'

/** Where releases are published: a repository of a host that speaks GitHub's interface, and what it knows us by. */
export type ReleaseHost = {
  /** `https://api.github.com`, without a slash at its end. */
  readonly api: string
  /** `OWNER/NAME`. */
  readonly repository: string
  readonly token: SecretHandle
}

export type Asset = JsonObject & {
  readonly id: number
  readonly name: string
  readonly bytes: number
  /** As the host counted it while it arrived; null where the host tells none. */
  readonly sha256: string | null
  /** False for what an upload that was cut off left: it holds nothing, and keeps its name taken. */
  readonly whole: boolean
}

export type HostedRelease = JsonObject & {
  readonly id: number
  readonly tag: string
  /** Seen only by those who may write to the repository. */
  readonly draft: boolean
  /** Of its page once it is published, for a draft too. */
  readonly url: string
  readonly notes: string
  readonly assets: readonly Asset[]
}

/** Every method: @throws RunbookError `failed`, told apart for a token that is refused, one that may not, a repository that is not there, and a limit of requests. */
export interface ReleasesView {
  /** The commit that a tag of the repository leads to; null where there is no such tag. */
  commitOf(host: ReleaseHost, tag: string): Promise<string | null>
  /** What is published for a tag, and every draft for it, newest first: drafts do not reserve their tag, so there may be several. */
  forTag(host: ReleaseHost, tag: string): Promise<readonly HostedRelease[]>
  /** What the host calls its latest release: published, and no prerelease. Null where there is none. */
  latest(host: ReleaseHost): Promise<HostedRelease | null>
  /** Fetches an asset to its last byte. */
  fetched(host: ReleaseHost, asset: Asset): Promise<{ readonly bytes: number; readonly sha256: string }>
}

export type Draft = {
  readonly tag: string
  readonly title: string
  /** The host adds what changed since the release before. A draft is known again by these words, so they must be of this run alone. */
  readonly notes: string
  readonly prerelease: boolean
}

export interface Releases extends ReleasesView {
  /** Makes a draft, once: where an answer is lost, the draft is looked for before another is made. When this returns, `forTag` tells it. */
  draft(host: ReleaseHost, draft: Draft): Promise<HostedRelease>
  /**
   * Uploads a file, or a text, under a name that no whole asset of the release has; what a cut upload left under it is cleared away.
   * A lost connection is tried again, a whole asset that arrived all the same is taken. @throws RunbookError `failed` where the name is taken
   */
  upload(
    host: ReleaseHost,
    release: Pick<HostedRelease, 'id' | 'tag'>,
    name: string,
    from: { readonly file: string } | { readonly text: string },
  ): Promise<Asset>
  /** Fetches an asset into a new file: nothing, or all of it. @throws RunbookError `failed` where there is a file */
  download(
    host: ReleaseHost,
    asset: Asset,
    to: string,
  ): Promise<{ readonly bytes: number; readonly sha256: string }>
  /** One that is not there is no error. */
  removeAsset(host: ReleaseHost, asset: Pick<Asset, 'id'>): Promise<void>
  publish(host: ReleaseHost, release: Pick<HostedRelease, 'id'>): Promise<HostedRelease>
  /** Makes a draft of it again. Those who watch the repository have been told, and whoever fetched it has it. */
  withdraw(host: ReleaseHost, release: Pick<HostedRelease, 'id'>): Promise<HostedRelease>
  /** Its tag stays. One that is not there is no error. */
  remove(host: ReleaseHost, release: Pick<HostedRelease, 'id'>): Promise<void>
}

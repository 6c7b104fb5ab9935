import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type HostedRelease,
  type Look,
  type ReleaseHost,
} from '../../src/index.ts'
import { releaseThing, type HostedDraft } from './draft-release.ts'
import type { ReadAssets } from './read-assets.ts'

type Input = {
  readonly host: ReleaseHost
  readonly draft: HostedDraft
  /** Proof that the files were read back: nothing else is published. */
  readonly read: ReadAssets
}

export type PublishedRelease = { readonly url: string }

/**
 * Publishes a draft whose files were read back.
 * Undone by turning it back into a draft, though watchers of the repository have been notified.
 */
export const publishRelease = defineStep<Input, PublishedRelease>({
  kind: 'releases.publish',
  version: 1,
  effect: 'change',
  describe: ({ host }) =>
    say`Publishes the draft in ${isPending(host) ? host : host.repository}, which makes it visible to all readers.`,
  survey: async () => null,
  predict: ({ input: { host, draft } }) => ({
    output: isPending(draft) || isPending(draft.url) ? null : { url: draft.url },
    changes: isPending(host) ? [] : [`the release is published in ${host.repository}`],
  }),
  run: async (io, { input: { host, draft } }) => {
    const { url } = await io.releases.publish(host, draft)
    if (url !== draft.url)
      throw new RunbookError(
        'verification',
        `the release is at ${url}, but its lock file says ${draft.url}`,
        {
          hint: 'check the form of the tag; publish by hand, and write the address into the lock file',
        },
      )
    io.note(`published: ${url}`)
    return { url }
  },
  probe: async (look, { input: { host, draft }, way }) => {
    if (way === 'back' && draft.published) return { is: 'absent' }
    const there = await hostedReleaseOf(look, host, draft)
    return there === undefined || there.draft ? { is: 'absent' } : { is: 'done', output: { url: there.url } }
  },
  // It turns its own release back into a draft, whoever published it.
  undoGuards: ({ input: { host, draft } }) => [
    { of: [releaseThing(host, draft.tag)], check: async () => undefined },
  ],
  undo: async (io, { input: { host, draft } }) => {
    if (!draft.published && (await hostedReleaseOf(io, host, draft))?.draft === false)
      await io.releases.withdraw(host, draft)
  },
})

const hostedReleaseOf = async (
  look: Pick<Look, 'releases'>,
  host: ReleaseHost,
  { id, tag }: HostedDraft,
): Promise<HostedRelease | undefined> => (await look.releases.forTag(host, tag)).find((one) => one.id === id)

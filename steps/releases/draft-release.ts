import { defineStep, isPending, say, type JsonObject, type Look, type ReleaseHost } from '../../src/index.ts'
import { notOurs } from '../files/lib/ours.ts'
import type { ChosenBundle } from './choose-bundle.ts'
import type { VerifiedRelease } from './verify-release.ts'

type Input = { readonly host: ReleaseHost; readonly bundle: ChosenBundle; readonly verified: VerifiedRelease }

/** `published`: the release that was published before this run; null where there was none. */
type Before = { readonly published: HostedDraft | null; readonly notes: string }

export type HostedDraft = JsonObject & {
  readonly id: number
  readonly tag: string
  /** The address of its page once it is published. */
  readonly url: string
  /** Whether it was published before this run; then it is only read. */
  readonly published: boolean
}

/**
 * Marks the draft as this run's, so that it is found even if the host's answer was lost. Readers do not see
 * it.
 */
export const markOf = (run: string): string => `<!-- runbook ${run} -->`

/**
 * Creates a draft of a release, visible only to those who may write to the repository.
 * Undone by removing it.
 */
export const draftRelease = defineStep<Input, HostedDraft, Before>({
  kind: 'releases.draft',
  version: 1,
  effect: 'change',
  describe: ({ host }) =>
    say`Creates a draft of the release in ${isPending(host) ? host : host.repository}, with notes on what changed.`,
  survey: async (look, { host, bundle: { tag, tarball, sha256 } }) => {
    const published = (await look.releases.forTag(host, tag)).find(({ draft }) => !draft)
    return {
      published:
        published === undefined ? null : { id: published.id, tag, url: published.url, published: true },
      notes: `\`${tarball}\`, SHA-256 \`${sha256}\`\n\n${markOf(look.run.id)}`,
    }
  },
  predict: ({ input: { host, bundle }, before }) => ({
    output: before?.published ?? null,
    changes:
      before?.published != null || isPending(host) || isPending(bundle)
        ? []
        : [say`a draft for ${bundle.tag} is created in ${host.repository}`],
  }),
  run: async (
    io,
    {
      input: {
        host,
        bundle: { tag },
      },
      before,
    },
  ) => {
    const { id, url } = await io.releases.draft(host, {
      tag,
      title: tag,
      notes: before.notes,
      prerelease: isPrerelease(tag),
    })
    return { id, tag, url, published: false }
  },
  probe: async (
    look,
    {
      input: {
        host,
        bundle: { tag },
      },
      before,
      way,
    },
  ) => {
    if (before.published !== null)
      return way === 'back' ? { is: 'absent' } : { is: 'done', output: before.published }
    const [draft] = await draftsOfRun(look, host, tag)
    return draft === undefined
      ? { is: 'absent' }
      : { is: 'done', output: { id: draft.id, tag, url: draft.url, published: false } }
  },
  undoGuards: ({
    input: {
      host,
      bundle: { tag },
    },
    before,
  }) => [
    {
      of: [releaseThing(host, tag)],
      check: async (look) => {
        if (before.published !== null) return
        for (const { draft, url } of await draftsOfRun(look, host, tag))
          if (!draft) throw notOurs(url, 'was published from outside during the run')
      },
    },
  ],
  undo: async (
    io,
    {
      input: {
        host,
        bundle: { tag },
      },
      before,
    },
  ) => {
    if (before.published !== null) return
    for (const draft of await draftsOfRun(io, host, tag)) await io.releases.remove(host, draft)
  },
})

/** The release of a tag, in the words of a guard. */
export const releaseThing = ({ repository }: ReleaseHost, tag: string) => ({ release: repository, tag })

const draftsOfRun = async (look: Pick<Look, 'releases' | 'run'>, host: ReleaseHost, tag: string) =>
  (await look.releases.forTag(host, tag)).filter(({ notes }) => notes.includes(markOf(look.run.id)))

/** `v1.0.1-rc.1` is a prerelease of `v1.0.1`; what follows a plus sign is build metadata. */
export const isPrerelease = (tag: string): boolean => (tag.split('+', 1)[0] ?? '').includes('-')

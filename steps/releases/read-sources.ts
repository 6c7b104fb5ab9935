import {
  defineStep,
  excludedWithParents,
  isPending,
  say,
  type Finding,
  type Release,
} from '../../src/index.ts'
import { versionOf } from './lib/names.ts'

type Input = {
  readonly release: Release
  /** The name of its tag; null takes the tag of the commit, else the commit. */
  readonly version: string | null
  /** Packs files as they are in the checkout, committed or not. */
  readonly allowDirty: boolean
}

/** The commit that is released. */
export type Sources = { readonly sha: string; readonly committedAt: string; readonly version: string }

/** Reads which commit and version the checkout is at, and checks that its files are those of the commit. */
export const readSources = defineStep<Input, Sources>({
  kind: 'releases.read-sources',
  version: 1,
  effect: 'observe',
  describe: ({ release }) =>
    say`Reads which commit and version ${isPending(release) ? release : release.source} is at, and compares its files with that commit.`,
  needs: () => [{ program: 'git', atLeast: '2.36', why: 'the tracked files of the checkout are packed' }],
  preflight: async (look, { release, version, allowDirty }) => {
    if (isPending(release) || isPending(version)) return []
    const { source, exclude } = release
    versionOf(await look.git.head(source), version)
    const dirty = await look.git.dirty(source)
    const summaryOf = (paths: readonly string[]): string =>
      `${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`
    const changed = dirty.changed.filter((path) => !excludedWithParents(path, exclude))
    const untracked = dirty.untracked.filter((path) => !excludedWithParents(path, exclude))
    const findings: Finding[] = []
    if (changed.length > 0) {
      findings.push({
        level: allowDirty === true ? 'warn' : 'refuse',
        about: source,
        problem: `${source} has uncommitted changes: ${summaryOf(changed)}`,
        hint: 'commit or stash the changes, or add --allow-dirty to pack the files as they are',
      })
    }
    if (untracked.length > 0) {
      findings.push({
        level: 'warn',
        about: source,
        problem: `untracked files are left out of the bundle: ${summaryOf(untracked)}`,
        hint: 'git add those that belong to the release',
      })
    }
    return findings
  },
  run: async (look, { release, version }) => {
    const head = await look.git.head(release.source)
    const sources = { sha: head.sha, committedAt: head.committedAt, version: versionOf(head, version) }
    look.note(`${sources.version}: commit ${sources.sha} of ${sources.committedAt}`)
    return sources
  },
})

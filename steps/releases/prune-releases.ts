import {
  cannot,
  defineStep,
  isPending,
  manifestFiles,
  RunbookError,
  say,
  type Look,
  type Release,
  shellWord,
} from '../../src/index.ts'
import { replacedAmong, withSizes, type FilePart } from '../files/lib/chosen-file.ts'
import { namedIn, releaseFilesOf, toPrune, type Pair } from './lib/names.ts'
import { aside } from './lib/published-manifest.ts'
import { listedIn, sumsIn, withoutChecksums } from './lib/sums.ts'
import { verified } from './verify-release.ts'

type Input = {
  readonly release: Release
  /** The number asked for; null takes the configured one. */
  readonly keep: number | null
  /** The lock file of the bundle that this run made and verified: it counts as the newest. */
  readonly newest: string
}

type Before = {
  /** Names of bundles and of their lock files, in the same order. */
  readonly bundles: readonly string[]
  readonly locks: readonly string[]
  /** Their manifests and signatures that exist. Missing in older journals. */
  readonly manifests?: readonly string[]
  /** Those of the bundles that `SHA256SUMS` names. */
  readonly listed: readonly string[]
  /** Bundles and lock files, as they were chosen. Missing in older journals. */
  readonly parts?: readonly FilePart[]
}

export type PrunedReleases = { readonly removed: readonly string[] }

/**
 * Removes older bundles with their lock files and `SHA256SUMS` lines, except the newest verified one, those in use, and
 * what somebody else put under the name of one since it was chosen. A bundle without a lock file, or a lock file without a bundle, is reported and left to a
 * person.
 */
export const pruneReleases = defineStep<Input, PrunedReleases, Before>({
  kind: 'releases.prune',
  version: 1,
  effect: 'destroy',
  irreversible: 'older bundles are deleted; published ones remain at their GitHub release',
  timeoutSeconds: 3600,
  describe: ({ release, keep }) =>
    isPending(release) || isPending(keep)
      ? 'Removes older bundles with their lock files.'
      : say`Removes bundles of ${release.name} beyond the newest ${keep ?? release.keep} from ${release.directory}, with their lock files; keeps those in use and the newest verified one.`,
  preflight: async (look, { release, keep }) => {
    if (isPending(release) || isPending(keep)) return []
    if ((keep ?? release.keep) < 1)
      return [
        {
          level: 'refuse',
          about: '--keep',
          problem: `cannot keep ${keep} bundles`,
          hint: 'keep at least one: --keep 3',
        },
      ]
    const { pairs, unpaired } = releaseFilesOf(await namesIn(look, release.directory), release.name)
    // The bundle that this run makes is one of those that stay.
    const old = toPrune(pairs, {
      keep: (keep ?? release.keep) - 1,
      inUse: await inUse(look, release),
      verified: null,
    })
    return [
      ...(old.length === 0
        ? []
        : [
            {
              level: 'warn' as const,
              about: release.directory,
              problem: `will be removed at the end, with their lock files: ${old.map(({ tarball }) => tarball).join(', ')}`,
              hint: 'to keep more: --keep',
            },
          ]),
      ...(unpaired.length === 0
        ? []
        : [
            {
              level: 'warn' as const,
              about: release.directory,
              problem: `kept, because the bundle or its lock file is missing: ${unpaired.join(', ')}`,
              hint: 'check them, and remove by hand those not needed',
            },
          ]),
    ]
  },
  survey: async (look, { release, keep, newest }) => {
    const there = new Set(await namesIn(look, release.directory))
    const { pairs } = releaseFilesOf([...there], release.name)
    const made = pairs.find(({ lock }) => `${release.directory}/${lock}` === newest)
    if (made === undefined)
      throw cannot('prune', release.directory, `${newest} or its bundle no longer exists`, {
        code: 'failed',
        hint: `check: ls -l ${shellWord(release.directory)}`,
      })
    const ordered = [made, ...pairs.filter((pair) => pair !== made)]
    const old = toPrune(ordered, {
      keep: keep ?? release.keep,
      inUse: await inUse(look, release),
      verified: await newestVerified(look, release.directory, ordered),
    })
    const bundles = old.map(({ tarball }) => tarball)
    return {
      bundles,
      locks: old.map(({ lock }) => lock),
      manifests: bundles
        .flatMap(manifestFiles)
        .flatMap((name) => [name, aside(name)])
        .filter((name) => there.has(name)),
      listed: listedIn(await sumsIn(look, release.directory), bundles),
      parts: await withSizes(
        look,
        old.flatMap(({ tarball, lock }) => [tarball, lock]).map((name) => `${release.directory}/${name}`),
      ),
    }
  },
  predict: ({ before }) => ({
    output: before === undefined ? null : { removed: before.bundles },
    changes:
      before === undefined
        ? ['older bundles are removed, with their lock files']
        : before.bundles.map((name) => `${name} and its lock file are removed`),
  }),
  run: async (
    io,
    {
      input: {
        release: { directory },
      },
      before,
    },
  ) => {
    const { bundles, locks, manifests } = await stillChosen(io, directory, before)
    const sums = await sumsIn(io, directory)
    // The list first, so that it never names a file that is missing.
    if (sums !== null && listedIn(sums, bundles).length > 0)
      await io.files.write(`${directory}/SHA256SUMS`, withoutChecksums(sums, bundles))
    for (const name of [...manifests, ...bundles, ...locks]) await io.files.removeTree(`${directory}/${name}`)
    bundles.forEach((name) => io.note(`removed ${name} and its lock file`))
    return { removed: bundles }
  },
  probe: async (
    look,
    {
      input: {
        release: { directory },
      },
      before,
    },
  ) => {
    const { bundles, locks, manifests, listed } = await stillChosen(look, directory, before)
    const removed = [...manifests, ...bundles, ...locks]
    const there = new Set(await namesIn(look, directory))
    const left = removed.filter((name) => there.has(name))
    const lines = listedIn(await sumsIn(look, directory), bundles)
    if (left.length === 0 && lines.length === 0) return { is: 'done', output: { removed: bundles } }
    if (left.length === removed.length && lines.length === listed.length) return { is: 'absent' }
    return { is: 'torn', why: `${left.length} of ${removed.length} files still exist` }
  },
  rerunnable: true,
})

/** Without bundles of which a file is another one by now: they stay completely. */
async function stillChosen(
  look: Pick<Look, 'files' | 'note'>,
  directory: string,
  { bundles, locks, manifests = [], listed, parts = [] }: Before,
): Promise<Required<Omit<Before, 'parts'>>> {
  const replaced = await replacedAmong(look, parts)
  for (const path of replaced) look.note(`${path} stays: it is not the one that was chosen`)
  const stays = bundles.map((bundle, index) =>
    [bundle, locks[index]].some((name) => replaced.has(`${directory}/${name}`)),
  )
  const kept = bundles.filter((_, index) => stays[index])
  return {
    bundles: bundles.filter((_, index) => !stays[index]),
    locks: locks.filter((_, index) => !stays[index]),
    manifests: manifests.filter((name) => !kept.some((bundle) => name.startsWith(bundle))),
    listed: listed.filter((name) => !kept.includes(name)),
  }
}

export async function namesIn(look: Pick<Look, 'files'>, directory: string): Promise<readonly string[]> {
  return (await look.files.stat(directory)) === null ? [] : look.files.list(directory)
}

/** Names in pointer files: bundles and lock files that must stay. */
export async function inUse(look: Pick<Look, 'files'>, release: Release): Promise<ReadonlySet<string>> {
  const names: string[] = []
  for (const file of release.inUse) {
    if ((await look.files.stat(file)) !== null)
      names.push(...namedIn(new TextDecoder().decode(await look.files.read(file, 1024 * 1024))))
  }
  return new Set(names)
}

async function newestVerified(look: Look, directory: string, pairs: readonly Pair[]): Promise<string | null> {
  for (const { stem, lock } of pairs) {
    try {
      await verified(look, `${directory}/${lock}`)
      return stem
    } catch (thrown) {
      if (!(thrown instanceof RunbookError) || thrown.code !== 'verification') throw thrown
      look.note(`${stem} is not intact: ${thrown.message}`)
    }
  }
  return null
}

import { defineStep, isPending, RunbookError, say, sha256, type Release } from '../../src/index.ts'
import { checksumCommand } from '../files/lib/checksum-command.ts'
import { mustHaveDigest } from '../files/lib/ours.ts'
import { nameWithin } from '../files/lib/path.ts'
import { textOf } from '../files/lib/text.ts'
import { lockText } from './lib/lock.ts'
import type { ReleaseBundle } from './pack-release.ts'
import type { Sources } from './read-sources.ts'
import { listedIn, sumsIn, withChecksum, withoutChecksums } from './lib/sums.ts'

type Input = {
  readonly release: Release
  readonly sources: Sources
  readonly bundle: ReleaseBundle
  /** The image's tag; null where none was created. */
  readonly dockerTag: string | null
  /** The number asked for; null takes the configured one. */
  readonly keep: number | null
  readonly prune: boolean
}

type Before = {
  readonly lock: string
  readonly text: string
  /** `SHA256SUMS` as it was; null where there was none. */
  readonly sums: string | null
}

export type RecordedRelease = { readonly lock: string; readonly sha256: string }

/** Writes the lock file of a bundle and its line in `SHA256SUMS`: both, or neither. */
export const recordRelease = defineStep<Input, RecordedRelease, Before>({
  kind: 'releases.record',
  version: 1,
  effect: 'change',
  describe: ({ release }) =>
    say`Writes the bundle's lock file and its line in ${isPending(release) ? 'SHA256SUMS' : `${release.directory}/SHA256SUMS`}.`,
  preflight: async (look, { release }) => {
    if (!isPending(release)) await sumsIn(look, release.directory)
    return []
  },
  survey: async (look, { release, sources, bundle, dockerTag, keep, prune }) => ({
    lock: `${release.directory}/${bundle.stem}.lock.json`,
    text: lockText({
      version: sources.version,
      env: release.environment,
      git_sha: sources.sha.slice(0, 12),
      created_at: bundle.createdAt,
      tarball: bundle.name,
      tarball_sha256: bundle.sha256,
      docker_tag: dockerTag,
      release_url: null,
      keep: keep ?? release.keep,
      notes: { output_dir: nameWithin(release.source, release.directory), dry_run: false, prune },
    }),
    sums: await sumsIn(look, release.directory),
  }),
  predict: ({ input: { release } }) => ({
    output: null,
    changes: isPending(release)
      ? []
      : [`a lock file is created beside the bundle, and a line is added to ${release.directory}/SHA256SUMS`],
  }),
  run: async (
    io,
    {
      input: {
        release: { directory },
        bundle,
      },
      before,
    },
  ) => {
    const now = await sumsIn(io, directory)
    const wanted = withChecksum(before.sums, bundle.name, bundle.sha256)
    if (now !== before.sums && now !== wanted)
      throw new RunbookError('failed', `another process changed ${directory}/SHA256SUMS`, {
        hint: 'start again when nothing else creates releases',
      })
    // The checkout is shared, and lock files are committed.
    await io.files.write(before.lock, before.text, { mode: 0o644 })
    await io.files.write(`${directory}/SHA256SUMS`, wanted, { mode: 0o644 })
    io.note(`to check it by hand: ${checksumCommand(`${directory}/SHA256SUMS`, true)}`)
    return { lock: before.lock, sha256: bundle.sha256 }
  },
  probe: async (
    look,
    {
      input: {
        release: { directory },
        bundle,
      },
      before,
    },
  ) => {
    const [lock, listed] = [
      await textOf(look, before.lock, 1024 * 1024),
      listedIn(await sumsIn(look, directory), [bundle.name]).length > 0,
    ]
    if (lock === before.text && listed)
      return { is: 'done', output: { lock: before.lock, sha256: bundle.sha256 } }
    const unfinished = [before.lock, `${directory}/SHA256SUMS`].map((file) => look.files.unfinished(file))
    const half = (await Promise.all(unfinished)).includes(true)
    if (lock === null && !listed && !half) return { is: 'absent' }
    return {
      is: 'torn',
      why: half
        ? 'a half-written file was left'
        : lock === null
          ? `SHA256SUMS names ${bundle.name}, but its lock file is missing`
          : `the lock file ${before.lock} ${listed ? 'differs from the one that was written' : 'exists, but SHA256SUMS does not name its bundle'}`,
    }
  },
  rerunnable: true,
  // Of SHA256SUMS, it removes its own line only.
  undoGuards: ({ before: { lock, text } }) => [mustHaveDigest(lock, [sha256(text)])],
  undo: async (
    io,
    {
      input: {
        release: { directory },
        bundle,
      },
      before,
    },
  ) => {
    const now = await sumsIn(io, directory)
    if (now === withChecksum(before.sums, bundle.name, bundle.sha256)) {
      if (before.sums === null) await io.files.removeTree(`${directory}/SHA256SUMS`)
      else await io.files.write(`${directory}/SHA256SUMS`, before.sums)
    } else if (now !== null && listedIn(now, [bundle.name]).length > 0) {
      // Another process added to it: only our line is removed.
      await io.files.write(`${directory}/SHA256SUMS`, withoutChecksums(now, [bundle.name]))
    } else if (now === null) await io.files.removeTree(`${directory}/SHA256SUMS`)
    else if (await io.files.unfinished(`${directory}/SHA256SUMS`))
      await io.files.write(`${directory}/SHA256SUMS`, now)
    await io.files.removeTree(before.lock)
  },
})

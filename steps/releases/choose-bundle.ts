import {
  defineStep,
  isPending,
  readTime,
  RunbookError,
  say,
  type JsonObject,
  type Look,
  type Release,
  type ReleaseHost,
} from '../../src/index.ts'
import { claimIn } from './lib/lock.ts'
import { releaseFilesOf } from './lib/names.ts'
import { markOf } from './draft-release.ts'

type Input = {
  readonly release: Release
  readonly host: ReleaseHost
  /** The name of its tag; null takes the newest bundle. */
  readonly version: string | null
}

/** A bundle with its lock file, and the tag under which it is published. */
export type ChosenBundle = JsonObject & {
  readonly tag: string
  readonly lock: string
  readonly tarball: string
  readonly sha256: string
}

/** In bytes. GitHub requires release assets to be smaller. */
const largestAsset = 2 * 1024 ** 3

/**
 * Chooses the bundle of a version, and checks that its tag exists at the host and points at the bundle's
 * commit. The tag must be free, or published with this very bundle.
 */
export const chooseBundle = defineStep<Input, ChosenBundle>({
  kind: 'releases.choose-bundle',
  version: 1,
  effect: 'observe',
  describe: ({ release, host, version }) =>
    isPending(release) || isPending(host)
      ? 'Chooses the bundle.'
      : say`Takes the newest bundle of ${version ?? 'any version'} in ${release.directory}, and checks that ${host.repository} has its tag at the bundle's commit.`,
  preflight: async (look, { release, host, version }) => {
    if (!isPending(release) && !isPending(host) && !isPending(version))
      await choose(look, { release, host, version })
    return []
  },
  run: async (look, input) => {
    const chosen = await choose(look, input)
    look.note(`${chosen.tag}: ${chosen.tarball}`)
    return chosen
  },
})

async function choose(
  look: Look,
  { release: { directory, name }, host, version }: Input,
): Promise<ChosenBundle> {
  const refused = (why: string, hint: string): RunbookError => new RunbookError('preflight', why, { hint })
  const pairs =
    (await look.files.stat(directory)) === null
      ? []
      : releaseFilesOf(await look.files.list(directory), name).pairs
  const start = `${name}-${version}-`
  const pair =
    version === null
      ? pairs[0]
      : pairs.find(({ stem }) => stem.startsWith(start) && readTime(stem.slice(start.length)) !== null)
  if (pair === undefined)
    throw refused(
      `no bundle of ${version === null ? name : JSON.stringify(version)} with a lock file in ${directory}`,
      'create one: runbook run release-snapshot',
    )
  const lock = `${directory}/${pair.lock}`
  const { version: tag, sha256, tarball, commit } = await claimIn(look, lock)
  if (tarball !== pair.tarball || (version !== null && tag !== version))
    throw refused(
      `the lock file ${lock} is for ${tarball} of ${tag}`,
      'use the lock file created with the bundle, or create both again: runbook run release-snapshot',
    )
  if (!/^v\d[\w.+-]*$/.test(tag))
    throw refused(
      `cannot publish ${tarball}: its version ${tag} is not a version tag`,
      'tag the commit, such as v1.0.1, and create the bundle again: runbook run release-snapshot',
    )
  const bytes = (await look.files.stat(`${directory}/${tarball}`))?.bytes ?? 0
  if (bytes >= largestAsset)
    throw refused(
      `cannot publish ${tarball}: it has ${bytes} bytes, and GitHub accepts fewer than ${largestAsset}`,
      'exclude large files: release.exclude in runbook.config.ts',
    )
  const tagged = await look.releases.commitOf(host, tag)
  if (tagged === null)
    throw refused(
      `tag ${tag} not found in ${host.repository}; publishing would create it at the tip of the default branch`,
      `git push origin ${tag}`,
    )
  if (commit !== null && !tagged.startsWith(commit))
    throw refused(
      `the bundle ${tarball} is of commit ${commit}, but ${tag} of ${host.repository} is commit ${tagged.slice(0, 12)}`,
      'create the bundle again at the tagged commit: runbook run release-snapshot',
    )
  await requireFreeTag(look, host, { tag, tarball, sha256, bytes })
  return { tag, lock, tarball, sha256 }
}

async function requireFreeTag(
  look: Look,
  host: ReleaseHost,
  {
    tag,
    tarball,
    sha256,
    bytes,
  }: { readonly tag: string; readonly tarball: string; readonly sha256: string; readonly bytes: number },
): Promise<void> {
  for (const { draft, url, notes, assets } of await look.releases.forTag(host, tag)) {
    if (draft) {
      if (notes.includes(markOf(look.run.id))) continue
      throw new RunbookError(
        'preflight',
        `${host.repository} already has a draft for ${tag}, which this run did not create`,
        { hint: `check it, then publish or delete it: https://github.com/${host.repository}/releases` },
      )
    }
    const there = assets.find((one) => one.name === tarball)
    if (there?.whole === true && there.bytes === bytes && (there.sha256 ?? sha256) === sha256) continue
    throw new RunbookError(
      'preflight',
      `${tag} is already published at ${url}, ${there === undefined ? `without ${tarball}` : `with another ${tarball}`}`,
      { hint: 'release the changes under a new version: users rely on the published one' },
    )
  }
}

import {
  defineStep,
  failureOf,
  isPending,
  readTime,
  RunbookError,
  say,
  type Finding,
  type JsonObject,
  type Look,
  type Release,
  type ReleaseHost,
} from '../../src/index.ts'
import { folderOf } from '../files/lib/path.ts'
import { archiveLimits } from '../files/unpack.ts'
import { credentialNames, credentialsAmong } from './lib/credentials.ts'
import { claimIn } from './lib/lock.ts'
import { releaseFilesOf } from './lib/names.ts'
import { markOf } from './draft-release.ts'

type Input = {
  readonly release: Release
  readonly host: ReleaseHost
  /** The name of its tag; null takes the newest bundle. */
  readonly version: string | null
  /** Whether a bundle with credentials may be chosen. Missing in plans of earlier versions. */
  readonly includeSecrets?: boolean
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

/** In bytes. Reading a larger bundle takes too long for preflight; it is read when it is chosen. */
const largestInPreflight = 64 * 1024 ** 2

/**
 * Chooses the bundle of a version, and checks that its tag exists at the host and points at the bundle's
 * commit, and that it holds no credentials. The tag must be free, or published with this very bundle.
 */
export const chooseBundle = defineStep<Input, ChosenBundle>({
  kind: 'releases.choose-bundle',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  describe: ({ release, host, version, includeSecrets }) =>
    isPending(release) || isPending(host)
      ? 'Chooses the bundle.'
      : say`Takes the newest bundle of ${version ?? 'any version'} in ${release.directory}, and checks that ${host.repository} has its tag at the bundle's commit${isPending(includeSecrets) || includeSecrets !== true ? ' and that it holds no credentials' : ''}.`,
  preflight: async (look, { release, host, version, includeSecrets = false }) => {
    if (isPending(release) || isPending(host) || isPending(version) || isPending(includeSecrets)) return []
    const bundle = await bundleIn(look, { release, version })
    return [
      ...(await credentialFindings(look, bundle, includeSecrets)),
      ...(await requireTag(look, host, bundle).then(
        () => [],
        (thrown: unknown): readonly Finding[] => {
          look.signal.throwIfAborted()
          const { message: problem, hint } = failureOf(thrown)
          return [{ level: 'refuse', about: host.repository, problem, hint: hint ?? 'try again' }]
        },
      )),
    ]
  },
  run: async (look, input) => {
    const bundle = await bundleIn(look, input)
    await requireTag(look, input.host, bundle)
    const { bytes: _, commit: __, ...chosen } = bundle
    const credentials = await credentialsIn(look, chosen.lock, chosen.tarball)
    if (credentials.length > 0) {
      const refusal = withCredentials(chosen.tarball, credentials)
      if (input.includeSecrets !== true)
        throw new RunbookError('preflight', refusal.message, { hint: refusal.hint })
      look.note(`${refusal.message}; --include-secrets is given`)
    }
    look.note(`${chosen.tag}: ${chosen.tarball}`)
    return chosen
  },
})

/**
 * Files in the bundle that hold credentials. None for a damaged bundle: the step that verifies it reads it in
 * the same way, refuses it and says what differs.
 */
async function credentialsIn(look: Look, lock: string, tarball: string): Promise<readonly string[]> {
  try {
    const file = `${folderOf(lock)}/${tarball}`
    return credentialsAmong(await look.archives.find(file, archiveLimits, credentialNames))
  } catch (thrown) {
    if (failureOf(thrown).code === 'verification') return []
    throw thrown
  }
}

async function credentialFindings(
  look: Look,
  { lock, tarball, bytes }: Bundle,
  includeSecrets: boolean,
): Promise<readonly Finding[]> {
  const credentials = bytes > largestInPreflight ? [] : await credentialsIn(look, lock, tarball)
  if (credentials.length === 0) return []
  const { message: problem, hint } = withCredentials(tarball, credentials)
  return [
    includeSecrets
      ? {
          level: 'warn',
          about: tarball,
          problem,
          hint: 'they are published, since --include-secrets is given',
        }
      : { level: 'refuse', about: tarball, problem, hint },
  ]
}

function withCredentials(
  tarball: string,
  paths: readonly string[],
): { readonly message: string; readonly hint: string } {
  const [shown, more] = [paths.slice(0, 10), paths.length - 10]
  return {
    message: `${tarball} holds files with credentials: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    hint: 'leave them out (release.exclude in runbook.config.ts) and create the bundle again: runbook run release-snapshot; to publish them on purpose: --include-secrets',
  }
}

type Bundle = ChosenBundle & { readonly bytes: number; readonly commit: string | null }

/** By what lies here alone. */
async function bundleIn(
  look: Look,
  { release: { directory, name }, version }: Pick<Input, 'release' | 'version'>,
): Promise<Bundle> {
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
  return { tag, lock, tarball, sha256, bytes, commit }
}

/** @throws RunbookError `preflight` where the host lacks the tag, has it at another commit, or has a release of it */
async function requireTag(look: Look, host: ReleaseHost, bundle: Bundle): Promise<void> {
  const { tag, tarball, sha256, bytes, commit } = bundle
  const refused = (why: string, hint: string): RunbookError => new RunbookError('preflight', why, { hint })
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

import {
  cannot,
  defineStep,
  isPending,
  manifestFiles,
  RunbookError,
  say,
  type Asset,
  type HostedRelease,
  type JsonObject,
  type Look,
  type Release,
  type ReleaseHost,
  type UndoGuard,
  shellWord,
} from '../../src/index.ts'
import { checksumCommand } from '../files/lib/checksum-command.ts'
import { mustBeFile } from '../files/lib/ours.ts'
import { lastOf } from '../files/lib/path.ts'
import { claimIn } from './lib/lock.ts'
import { aside, isPlaced, isThere, placeManifest } from './lib/published-manifest.ts'
import type { Part } from './lib/published-part.ts'
import { listedIn, sumsIn, withChecksum, withoutChecksums } from './lib/sums.ts'

type Input = {
  readonly host: ReleaseHost
  readonly release: Release
  /** Null takes what the host calls its latest. */
  readonly tag: string | null
}

type Before = {
  readonly tag: string
  readonly tarball: Part
  readonly lock: Part
  /** The signature of the bundle's manifest, then the manifest; none where they are not published. Missing in older journals. */
  readonly signed?: readonly Part[]
  /** Whether `SHA256SUMS` had a line for the bundle already. */
  readonly listed: boolean
  /** Whether the folder of releases existed. */
  readonly folder: boolean
}

export type DownloadedRelease = JsonObject & {
  readonly tag: string
  readonly lock: string
  readonly file: string
  readonly sha256: string
}

/**
 * Downloads the bundle and lock file of a published release, and adds the bundle's line to `SHA256SUMS`. The signed
 * manifest of the bundle comes with it, and is kept under another name where this machine does not trust its key.
 * Existing files are never overwritten.
 */
export const downloadRelease = defineStep<Input, DownloadedRelease, Before>({
  kind: 'releases.download',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ host, release, tag }) =>
    say`Downloads the bundle, its lock file and its signed manifest, if there is one, of ${tag ?? 'the latest release'} of ${isPending(host) ? host : host.repository} into ${isPending(release) ? release : release.directory}.`,
  preflight: async (look, { host, release, tag }) => {
    if (!isPending(host) && !isPending(release) && !isPending(tag))
      await planDownload(look, { host, release, tag })
    return []
  },
  survey: (look, input) => planDownload(look, input),
  predict: ({ before }) => ({
    output:
      before === undefined ? null : { tag: before.tag, lock: before.lock.file, file: before.tarball.file },
    changes:
      before === undefined
        ? []
        : [before.tarball, before.lock, ...(before.signed ?? [])]
            .filter(({ there }) => !there)
            .map(({ file, asset }) => `${file} is downloaded (${asset.bytes} bytes)`),
    ...(before === undefined ? {} : { bytes: before.tarball.asset.bytes }),
  }),
  run: async (
    io,
    {
      input: {
        host,
        release: { directory },
      },
      before,
    },
  ) => {
    await io.files.makeFolder(directory)
    for (const part of [before.tarball, before.lock]) {
      if ((await io.files.stat(part.file)) === null) await io.releases.download(host, part.asset, part.file)
      await requirePublished(io, part)
    }
    const fetched = await outputOf(io, before)
    await placeManifest(io, host, before.tarball.file, before.signed ?? [], (part) =>
      requirePublished(io, part),
    )
    const sums = await sumsIn(io, directory)
    if (listedIn(sums, [before.tarball.asset.name]).length === 0)
      await io.files.write(
        `${directory}/SHA256SUMS`,
        withChecksum(sums, before.tarball.asset.name, fetched.sha256),
        { mode: 0o644 },
      )
    io.note(`to check it by hand: ${checksumCommand(`${directory}/SHA256SUMS`, true)}`)
    return fetched
  },
  probe: async (
    look,
    {
      input: {
        release: { directory },
      },
      before,
      way,
    },
  ) => {
    const parts = await Promise.all(
      [before.tarball, before.lock].map(async ({ file }) => (await look.files.stat(file)) !== null),
    )
    const listed = listedIn(await sumsIn(look, directory), [before.tarball.asset.name]).length > 0
    const folder = (await look.files.stat(directory)) !== null
    const signed = before.signed ?? []
    const asBefore =
      (await Promise.all(signed.map(async ({ file, there }) => (await isThere(look, file)) === there))).every(
        Boolean,
      ) &&
      parts[0] === before.tarball.there &&
      parts[1] === before.lock.there &&
      listed === before.listed &&
      (folder === before.folder || (await hasOthers(look, directory)))
    const complete =
      parts.every(Boolean) &&
      listed &&
      (way === 'back' || (await isPlaced(look, before.tarball.file, signed)))
    if (asBefore && (way === 'back' || !complete)) return { is: 'absent' }
    if (!complete)
      return {
        is: 'torn',
        why: `only some of the bundle, its lock file, its manifest and its line in SHA256SUMS are in ${directory}`,
      }
    return { is: 'done', output: await outputOf(look, before) }
  },
  rerunnable: true,
  undoGuards: ({ before: { tarball, lock, signed = [] } }) =>
    [tarball, lock, ...signed].filter(({ there }) => !there).map(mustBePublished),
  undo: async (
    io,
    {
      input: {
        release: { directory },
      },
      before,
    },
  ) => {
    const sums = await sumsIn(io, directory)
    const name = before.tarball.asset.name
    if (!before.listed && sums !== null && listedIn(sums, [name]).length > 0) {
      const others = withoutChecksums(sums, [name])
      if (others === '') await io.files.removeTree(`${directory}/SHA256SUMS`)
      else await io.files.write(`${directory}/SHA256SUMS`, others)
    }
    for (const { file, there } of before.signed ?? [])
      if (!there) for (const one of [file, aside(file)]) await io.files.removeTree(one)
    for (const { file, there } of [before.lock, before.tarball])
      if (!there) for (const one of [`${file}${unfinished}`, file]) await io.files.removeTree(one)
    if (!before.folder && (await io.files.stat(directory)) !== null && !(await hasOthers(io, directory)))
      await io.files.removeTree(directory)
  },
})

/** What a download or a write has that was killed. */
const unfinished = '.partial'

/** Whether somebody else put something into the folder, once what this step put there is gone. */
const hasOthers = async (look: Pick<Look, 'files'>, directory: string): Promise<boolean> =>
  (await look.files.stat(directory)) !== null &&
  (await look.files.list(directory)).some((name) => !name.endsWith(unfinished))

/** What is downloaded is removed by an undo only while it is what the host has under its name. */
const mustBePublished = ({ asset, file }: Part): UndoGuard =>
  mustBeFile(
    file,
    async (look, path, bytes) =>
      bytes === asset.bytes && (asset.sha256 === null || (await look.files.hash(path)) === asset.sha256),
  )

async function planDownload(look: Look, { host, release: { name, directory }, tag }: Input): Promise<Before> {
  const refused = (why: string, hint: string): RunbookError =>
    cannot('download', `a release of ${host.repository}`, why, { code: 'preflight', hint })
  const found: HostedRelease | null =
    tag === null
      ? await look.releases.latest(host)
      : ((await look.releases.forTag(host, tag)).find(({ draft }) => !draft) ?? null)
  if (found === null)
    throw refused(
      tag === null ? 'none is published' : `none is published for ${tag}`,
      'publish one: runbook run release-publish',
    )
  const named = (ending: string): readonly Asset[] =>
    found.assets.filter(
      (asset) =>
        asset.whole &&
        asset.name.startsWith(`${name}-`) &&
        asset.name.endsWith(ending) &&
        !asset.name.includes('/'),
    )
  const [[tarball, ...tarballs], [lock, ...locks]] = [named('.tar.gz'), named('.lock.json')]
  if (tarball === undefined || lock === undefined || tarballs.length + locks.length > 0) {
    throw refused(
      `expected one bundle ${name}-….tar.gz and one lock file in ${found.tag}, found ${found.assets.map((asset) => asset.name).join(', ') || 'no files'}`,
      `check: ${found.url}`,
    )
  }
  const part = async (asset: Asset): Promise<Part> => ({
    asset,
    file: `${directory}/${asset.name}`,
    there: (await look.files.stat(`${directory}/${asset.name}`)) !== null,
  })
  const parts = [await part(tarball), await part(lock)] as const
  for (const one of parts) if (one.there) await requirePublished(look, one)
  const folder = (await look.files.stat(directory)) !== null
  const signed: Part[] = []
  for (const file of manifestFiles(parts[0].file).toReversed()) {
    const asset = found.assets.find((one) => one.whole && one.name === lastOf(file))
    if (asset !== undefined) signed.push({ asset, file, there: await isThere(look, file) })
  }
  for (const one of signed) if ((await look.files.stat(one.file)) !== null) await requirePublished(look, one)
  return {
    tag: found.tag,
    tarball: parts[0],
    lock: parts[1],
    // One without the other vouches for nothing.
    signed: signed.length === 2 ? signed : [],
    listed: listedIn(folder ? await sumsIn(look, directory) : null, [tarball.name]).length > 0,
    folder,
  }
}

/** @throws RunbookError `verification` where the file differs from what the host has under its name */
async function requirePublished(look: Pick<Look, 'files'>, { asset, file }: Part): Promise<void> {
  const sha256 = await look.files.hash(file)
  const bytes = (await look.files.stat(file))?.bytes
  if (bytes === asset.bytes && (asset.sha256 === null || asset.sha256 === sha256)) return
  const digest = asset.sha256 === null ? '' : ` and SHA-256 ${asset.sha256}`
  throw new RunbookError(
    'verification',
    `${file} differs from the published file: expected ${asset.bytes} bytes${digest}, found ${bytes} bytes and SHA-256 ${sha256}`,
    {
      hint: `find out which of them is right; to download again, move this one aside: mv ${shellWord(file)} ${shellWord(`${file}.old`)}`,
    },
  )
}

async function outputOf(
  look: Pick<Look, 'files'>,
  { tag, tarball, lock }: Before,
): Promise<DownloadedRelease> {
  const claim = await claimIn(look, lock.file)
  if (claim.tarball !== tarball.asset.name)
    throw new RunbookError(
      'verification',
      `the lock file ${lock.file} is for ${claim.tarball}, but ${tarball.asset.name} is published with it`,
      { hint: 'publish the release again' },
    )
  return { tag, lock: lock.file, file: tarball.file, sha256: claim.sha256 }
}

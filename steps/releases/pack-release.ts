import {
  cannot,
  defineStep,
  excludedWithParents,
  isPending,
  manifestFiles,
  RunbookError,
  say,
  type Io,
  type Look,
  type Release,
} from '../../src/index.ts'
import { folderOf } from '../files/lib/path.ts'
import { archiveLimits } from '../files/unpack.ts'
import { releaseStamp } from './lib/names.ts'
import type { Sources } from './read-sources.ts'

type Input = { readonly release: Release; readonly sources: Sources; readonly allowDirty: boolean }

type Before = {
  /** The bundle's name without its ending; the lock file's name starts with it too. */
  readonly stem: string
  readonly createdAt: string
  readonly file: string
  /** Whether this step creates the folder of releases. */
  readonly made: boolean
}

/** A bundle that was read back. */
export type ReleaseBundle = {
  readonly stem: string
  readonly createdAt: string
  readonly name: string
  readonly file: string
  readonly sha256: string
  readonly bytes: number
  readonly members: number
}

/**
 * Packs the tracked files of the checkout into a reproducible bundle: under `./`, dated by their commit.
 * The same files give the same bytes. Signs a manifest of the bundle. Undone by removing both.
 */
export const packRelease = defineStep<Input, ReleaseBundle, Before>({
  kind: 'releases.pack',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ release }) =>
    isPending(release)
      ? 'Packs the tracked files of the checkout.'
      : say`Packs the tracked files of ${release.source}, without ${release.exclude}, into a bundle in ${release.directory}, reads it back and signs its manifest.`,
  preflight: async (look, { release }) => {
    if (isPending(release)) return []
    const { directory } = release
    const there = await look.files.stat(directory)
    const parent = await look.files.stat(folderOf(directory))
    if (there !== null && there.kind !== 'directory')
      return [
        {
          level: 'refuse',
          about: directory,
          problem: `${directory} is a ${there.kind}, not a folder`,
          hint: 'set release.directory in runbook.config.ts',
        },
      ]
    if (there === null && parent?.kind !== 'directory')
      return [
        {
          level: 'refuse',
          about: directory,
          problem: `folder ${folderOf(directory)} not found`,
          hint: 'create it, or set release.directory in runbook.config.ts',
        },
      ]
    return []
  },
  survey: async (look, { release: { name, directory }, sources }) => {
    const { stem, createdAt } = await freeName(look, directory, `${name}-${sources.version}`)
    return {
      stem,
      createdAt,
      file: `${directory}/${stem}.tar.gz`,
      made: (await look.files.stat(directory)) === null,
    }
  },
  predict: ({ before }) =>
    before === undefined
      ? { output: null }
      : {
          output: {
            stem: before.stem,
            createdAt: before.createdAt,
            name: `${before.stem}.tar.gz`,
            file: before.file,
          },
          changes: [`the bundle ${before.file} is created, with a signed manifest`],
        },
  run: async (io, { input: { release, sources, allowDirty }, before }) => {
    const only = await filesOf(io, release, sources, allowDirty)
    // A torn attempt is started over: nothing is packed over an existing file.
    for (const file of [...manifestFiles(before.file), before.file]) await io.files.removeTree(file)
    const begun = io.clock.now().toISOString()
    await io.files.makeFolder(release.directory)
    const packing = {
      folder: release.source,
      only,
      as: '.',
      exclude: release.exclude,
      dated: sources.committedAt,
      limits: archiveLimits,
    }
    const packed = await io.archives.pack(packing, before.file)
    packed.notes.forEach((note) => io.note(note))
    const bundle = await readBack(io, before)
    if (bundle.sha256 !== packed.sha256 || bundle.members !== packed.members) {
      throw new RunbookError(
        'verification',
        `the bundle ${before.file} differs from what was packed: expected SHA-256 ${packed.sha256} and ${packed.members} members, found ${bundle.sha256} and ${bundle.members}`,
        { hint: 'check the disk, then start again' },
      )
    }
    await io.backups.sign(bundle, {
      source: { kind: 'release', system: release.name, name: `${before.stem} (${sources.sha})` },
      begun,
      tools: [],
      rows: null,
    })
    io.note(`${bundle.name}: ${bundle.members} members, ${bundle.bytes} bytes, sha256 ${bundle.sha256}`)
    return bundle
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
    if ((await look.files.stat(`${before.file}.partial`)) !== null)
      return { is: 'torn', why: `${before.file}.partial still exists` }
    const [manifest, signature] = manifestFiles(before.file)
    const signed = (await look.files.stat(manifest)) !== null
    if ((await look.files.stat(before.file)) !== null) {
      if (!signed) return { is: 'torn', why: `${manifest} does not exist yet` }
      try {
        return { is: 'done', output: await readBack(look, before) }
      } catch (thrown) {
        // Damaged since: it must still be possible to remove it.
        if (thrown instanceof RunbookError && thrown.code === 'verification')
          return { is: 'torn', why: thrown.message }
        throw thrown
      }
    }
    if (signed || (await look.files.stat(signature)) !== null)
      return { is: 'torn', why: `the manifest of ${before.file} exists without it` }
    return (await isOurFolder(look, directory, before))
      ? { is: 'torn', why: `${directory} exists without a bundle` }
      : { is: 'absent' }
  },
  rerunnable: true,
  // The name has the time of this run, and a bundle that turns out to be damaged has to go.
  undoGuards: () => [],
  undo: async (
    io,
    {
      input: {
        release: { directory },
      },
      before,
    },
  ) => {
    for (const file of [...manifestFiles(before.file), `${before.file}.partial`, before.file])
      await io.files.removeTree(file)
    if (await isOurFolder(io, directory, before)) await io.files.removeTree(directory)
  },
})

/**
 * Lists the files again here, since the list may be too long to pass on; so the commit must still be the
 * same.
 */
async function filesOf(
  io: Io,
  { source, exclude }: Release,
  sources: Sources,
  allowDirty: boolean,
): Promise<readonly string[]> {
  const { sha } = await io.git.head(source)
  const changed = (await io.git.dirty(source)).changed.filter((path) => !excludedWithParents(path, exclude))
  if (sha !== sources.sha || (changed.length > 0 && !allowDirty)) {
    throw new RunbookError(
      'failed',
      `${source} changed during the release: ${sha === sources.sha ? changed.slice(0, 5).join(', ') : `it is at ${sha} now`}`,
      { hint: 'stop other work in the checkout, then start again' },
    )
  }
  const removed = new Set<string>()
  for (const path of changed) if ((await io.files.stat(`${source}/${path}`)) === null) removed.add(path)
  return (await io.git.tracked(source)).filter((path) => !removed.has(path))
}

/** Names have a resolution of seconds, and two snapshots may be taken within one. */
async function freeName(
  look: Look,
  directory: string,
  version: string,
): Promise<Pick<Before, 'stem' | 'createdAt'>> {
  for (let tries = 1; ; tries += 1) {
    const createdAt = releaseStamp(look.clock.now())
    const stem = `${version}-${createdAt}`
    if (!(await isTaken(look, directory, stem))) return { stem, createdAt }
    if (tries > 5)
      throw cannot('create', `the release ${stem}`, 'a bundle or lock file of that name already exists', {
        code: 'failed',
        hint: 'start again',
      })
    await look.clock.sleep(1000, look.signal)
  }
}

async function isTaken(look: Look, directory: string, stem: string): Promise<boolean> {
  const found = await Promise.all(
    ['.tar.gz', '.lock.json'].map((ending) => look.files.stat(`${directory}/${stem}${ending}`)),
  )
  return found.some((one) => one !== null)
}

async function readBack(look: Look, { stem, createdAt, file }: Before): Promise<ReleaseBundle> {
  const { members } = await look.archives.inspect(file, archiveLimits)
  const bytes = (await look.files.stat(file))?.bytes ?? 0
  return {
    stem,
    createdAt,
    name: `${stem}.tar.gz`,
    file,
    sha256: await look.files.hash(file),
    bytes,
    members,
  }
}

/** Whether this step created the folder and it is empty. */
async function isOurFolder(look: Look, directory: string, { made }: Before): Promise<boolean> {
  return (
    made && (await look.files.stat(directory)) !== null && (await look.files.list(directory)).length === 0
  )
}

import {
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  shellWord,
  type DataArchive,
  type Finding,
  type Look,
  type Packed,
  type Packing,
  type Verified,
} from '../../src/index.ts'
import { lastOf } from '../files/lib/path.ts'
import type { Staging } from '../files/staging.ts'
import { archiveLimits } from '../files/unpack.ts'
import { makingOf } from './lib/destination.ts'

type Input = { readonly data: DataArchive; readonly staging: Staging }
type Before = { readonly file: string; readonly takenAt: string }

/** The archive in staging, not yet filed. */
export type PackedData = Verified & { readonly members: number }

/**
 * Archives the live folder into staging. Undone by removing the archive.
 * @throws RunbookError `verification` where the folder changes meanwhile (unless `whileChanging` is `note`),
 * or the archive is too small
 */
export const packData = defineStep<Input, PackedData, Before>({
  kind: 'backups.pack-data',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ data }) =>
    isPending(data)
      ? 'Archives the live folder.'
      : `Archives ${data.making?.source ?? 'the live folder'} into staging, and checks that nothing in it changed meanwhile.`,
  preflight: async (look, { data }) => (isPending(data) ? [] : sourceFindings(look, data)),
  survey: async (look, { data, staging }) => {
    const takenAt = new Date(Math.floor(look.clock.now().getTime() / 1000) * 1000)
    return {
      file: `${staging.folder}/${nameAt(data, takenAt)}`,
      takenAt: takenAt.toISOString(),
    }
  },
  predict: ({ before }) => ({
    output:
      before === undefined ? null : { file: before.file, name: lastOf(before.file), takenAt: before.takenAt },
    changes: before === undefined ? [] : [`an archive ${before.file}, until the end of the run`],
  }),
  run: async (io, { input: { data }, before }) => {
    const making = makingOf(data)
    // A torn attempt starts again from nothing: packing never overwrites a file.
    for (const path of pathsWritten(before)) await io.files.removeTree(path)
    const packed = await io.archives.pack(packingOf(data), before.file)
    for (const note of packed.notes) io.note(note)
    if (packed.changed.length > 0) {
      const what = `${making.source} changed while it was being archived: ${namedOf(packed.changed)}`
      if (making.whileChanging === 'refuse')
        throw new RunbookError('verification', what, {
          hint: "stop what writes there, exclude it (data.exclude), or try again at a quieter time; set data.whileChanging to 'note' if half-written files do no harm",
        })
      io.note(what)
    }
    requireContents(data, packed)
    io.note(
      `${lastOf(before.file)}: ${packed.members} members, ${packed.bytes} bytes packed to ${packed.size}, sha256 ${packed.sha256}`,
    )
    const archive: PackedData = {
      file: before.file,
      name: lastOf(before.file),
      bytes: packed.size,
      takenAt: before.takenAt,
      dated: 'by-name',
      sha256: packed.sha256,
      checksumFile: null,
      members: packed.members,
    }
    await io.files.write(marker(before), JSON.stringify(archive))
    return archive
  },
  probe: async (look, { before }) => {
    const complete = await look.files.stat(marker(before))
    if (complete !== null)
      return {
        is: 'done',
        output: JSON.parse(
          new TextDecoder().decode(await look.files.read(marker(before), 65_536)),
        ) as PackedData,
      }
    for (const path of pathsWritten(before))
      if ((await look.files.stat(path)) !== null)
        return { is: 'torn', why: `${path} is left by an incomplete archive` }
    return { is: 'absent' }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before }) => {
    for (const path of pathsWritten(before)) await io.files.removeTree(path)
  },
})

/**
 * `codex-api-20260203T041233Z.tar.gz`, or `.tar.zst` where the pattern asks for that: always UTC, in a form that every
 * backup pattern can read.
 */
export function nameAt(data: DataArchive, at: Date): string {
  const ending = /\.tar\.zst(?:\.|\*|$)/.test(data.place.pattern) ? 'zst' : 'gz'
  return `${makingOf(data).name}-${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.tar.${ending}`
}

const namedOf = (paths: readonly string[]): string => {
  const [shown, more] = [paths.slice(0, 5), paths.length - 5]
  return `${shown.map((path) => (path === '' ? '.' : shellWord(path))).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** An empty archive is valid too, and gets a checksum. */
function requireContents(data: DataArchive, { members, size, file }: Packed): void {
  const { minMembers } = makingOf(data)
  const short =
    members < minMembers
      ? `${members} members, fewer than ${minMembers}`
      : size < data.place.minBytes
        ? `${size} bytes, fewer than ${data.place.minBytes}`
        : null
  if (short === null) return
  throw new RunbookError('verification', `${lastOf(file)} is not a backup: ${short}`, {
    hint: 'find out first what happened to the live folder',
  })
}

const packingOf = (data: DataArchive): Packing => {
  const { source, exclude } = makingOf(data)
  return { folder: source, only: null, as: lastOf(source), exclude, dated: null, limits: archiveLimits }
}

async function sourceFindings(look: Look, data: DataArchive): Promise<readonly Finding[]> {
  const { source } = makingOf(data)
  const found: Finding[] = []
  const refuse = (problem: string, hint: string): void =>
    void found.push({ level: 'refuse', about: source, problem, hint })
  const live = await look.files.stat(source)
  if (live?.kind !== 'directory')
    refuse(
      live === null ? `${source} not found` : `${source} is a ${live.kind}, not a folder`,
      'check data.source in runbook.config.ts',
    )
  else if ((await look.files.list(source)).length === 0)
    refuse(`${source} is empty`, 'find out why: an empty archive is not a backup')
  else
    await look.archives.packable(packingOf(data)).catch((thrown: unknown) => {
      look.signal.throwIfAborted()
      const { message, hint } = failureOf(thrown)
      refuse(message, hint ?? 'exclude it: data.exclude in runbook.config.ts')
    })
  if (data.keyFiles.length === 0)
    found.push({
      level: 'warn',
      about: 'data.keyFiles',
      problem: 'no key files are configured, so a restore without essential files would pass',
      hint: 'list the files that no restore may lack as data.keyFiles in runbook.config.ts',
    })
  return found
}

const marker = ({ file }: Before): string => `${file}.made`
const pathsWritten = (before: Before): readonly string[] => [
  marker(before),
  before.file,
  `${before.file}.partial`,
]

import {
  backupPattern,
  cannot,
  defineStep,
  failureOf,
  isPending,
  manifestFiles,
  RunbookError,
  say,
  type DataArchive,
  type Finding,
  type Io,
  type Look,
  type Verified,
} from '../../src/index.ts'
import { checksumCommand } from '../files/lib/checksum-command.ts'
import { mustHaveSize } from '../files/lib/ours.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import { makingOf, mounted } from './lib/destination.ts'
import { nameAt, type PackedData } from './pack-data.ts'

type Input = {
  readonly data: DataArchive
  readonly archive: PackedData
  /** Filed instead of the archive where it was encrypted. */
  readonly sealed: Verified | null
  readonly encrypt: boolean
}

type Before = {
  readonly file: string
  readonly checksum: string
  /** Date folders that this step creates, outermost first. */
  readonly folders: readonly string[]
}

/**
 * Copies a backup to the backup folder, reads it back from there, signs its manifest and writes its checksum. The
 * checksum comes last: without it, the copy does not count as complete.
 * @throws RunbookError `verification` where the copy differs from the archive
 */
export const fileBackup = defineStep<Input, Verified, Before>({
  kind: 'backups.file',
  version: 1,
  effect: 'change',
  timeoutSeconds: 7200,
  describe: ({ data, archive }) => {
    const name = isPending(archive) ? archive : archive.name
    const folder = isPending(data) ? data : `${data.place.directory}${layoutSuffix(data)}`
    return say`Copies ${name} to ${folder}, reads it back from there, signs its manifest, and writes its checksum beside it.`
  },
  preflight: async (look, { data, encrypt }) => {
    return isPending(data) || isPending(encrypt)
      ? []
      : unmatchedName(
          data,
          `${nameAt(data, look.clock.now())}${encrypt ? `.${makingOf(data).encryption}` : ''}`,
        )
  },
  survey: async (look, { data, archive: unencrypted, sealed }) => {
    await mounted(look, data)
    const archive = sealed ?? unencrypted
    const folder = folderFor(data, archive.takenAt)
    const file = `${folder}/${archive.name}`
    const before = { file, checksum: `${file}.sha256`, folders: await missingFolders(look, folder) }
    for (const path of [before.file, before.checksum, ...manifestFiles(file)]) {
      if ((await look.files.stat(path)) !== null)
        throw cannot('write', path, 'already exists', {
          code: 'failed',
          hint: 'start again: the name contains the time to the second',
        })
    }
    return before
  },
  predict: ({ before }) => ({
    output: before === undefined ? null : { file: before.file },
    changes:
      before === undefined
        ? []
        : [
            `a backup ${before.file}`,
            `its checksum ${before.checksum}`,
            `its signed manifest ${manifestFiles(before.file)[0]}`,
          ],
  }),
  run: async (io, { input: { data, archive: unencrypted, sealed }, before }) => {
    const archive = sealed ?? unencrypted
    await mounted(io, data)
    for (const path of pathsWritten(before)) await io.files.removeTree(path)
    await io.files.makeFolder(folderOf(before.file))
    const copied = await io.files.copy(archive.file, before.file)
    const back = await io.files.hash(before.file)
    if (copied !== archive.sha256 || back !== archive.sha256) {
      throw new RunbookError(
        'verification',
        `checksum mismatch in ${before.file}: expected ${archive.sha256}, found ${back}`,
        { hint: 'check the drive, then start again' },
      )
    }
    await io.backups.sign(
      { file: before.file, bytes: archive.bytes, sha256: back },
      {
        source: { kind: 'folder', system: makingOf(data).source, name: lastOf(makingOf(data).source) },
        begun: archive.takenAt,
        tools: [],
        rows: null,
      },
    )
    // The bare name: an absolute path would be wrong wherever else the drive is mounted.
    await io.files.write(before.checksum, `${archive.sha256}  ${archive.name}\n`)
    io.note(`to check it by hand: ${checksumCommand(before.checksum)}`)
    return await verifiedAt(io, data, before.file)
  },
  probe: async (look, { input: { data, archive, sealed }, before }) => {
    await mounted(look, data)
    const parts = [before.file, before.checksum, ...manifestFiles(before.file)]
    const there = await Promise.all(parts.map((path) => look.files.stat(path)))
    if (there.every((facts) => facts !== null)) {
      try {
        const verified = await verifiedAt(look, data, before.file)
        if (verified.sha256 === (sealed ?? archive).sha256) return { is: 'done', output: verified }
      } catch (thrown) {
        return { is: 'torn', why: failureOf(thrown).message }
      }
    }
    for (const path of pathsWritten(before))
      if ((await look.files.stat(path)) !== null)
        return { is: 'torn', why: `${path} is left by an incomplete backup` }
    for (const folder of before.folders)
      if ((await look.files.stat(folder)) !== null)
        return { is: 'torn', why: `${folder} was created for a backup that does not exist` }
    return { is: 'absent' }
  },
  rerunnable: true,
  undoGuards: ({ input: { archive, sealed }, before: { file } }) => [
    mustHaveSize(file, (sealed ?? archive).bytes),
  ],
  undo: async (io, { input: { data }, before }) => {
    await mounted(io, data)
    for (const path of pathsWritten(before)) await io.files.removeTree(path)
    for (const folder of before.folders.toReversed()) await removeIfEmpty(io, folder)
  },
})

/** The checksum goes first: without one, the rest does not count as complete. */
const pathsWritten = ({ file, checksum }: Before): readonly string[] => [
  checksum,
  ...manifestFiles(file),
  file,
  `${file}.partial`,
]

const verifiedAt = async (look: Look, { place }: DataArchive, file: string): Promise<Verified> =>
  look.backups.verify(place, await look.backups.find(place, file))

/** Refuses a name that does not match the pattern: no later run would find that backup. */
function unmatchedName(data: DataArchive, example: string): readonly Finding[] {
  if (backupPattern(data.place.pattern).match(example) !== null) return []
  const problem = `a backup would be named ${example}, which does not match the pattern ${data.place.pattern}`
  return [
    {
      level: 'refuse',
      about: 'data.pattern',
      problem,
      hint: "set data.pattern in runbook.config.ts to a pattern that begins with data.name and ends in 'tar.gz*' or 'tar.zst*'",
    },
  ]
}

/** Folder of a backup by the configured layout; the date is the backup's own, in UTC. */
export function folderFor(data: DataArchive, takenAt: string): string {
  const { directory } = data.place
  const day = takenAt.slice(0, 10)
  const { layout } = makingOf(data)
  if (layout === 'flat') return directory
  return layout === 'YYYY-MM-DD' ? `${directory}/${day}` : `${directory}/${day.slice(0, 4)}/${day.slice(5)}`
}

const layoutSuffix = (data: DataArchive): string =>
  data.making === undefined || data.making.layout === 'flat' ? '' : `/${data.making.layout}`

async function missingFolders(look: Look, folder: string): Promise<readonly string[]> {
  return (await look.files.stat(folder)) !== null
    ? []
    : [...(await missingFolders(look, folderOf(folder))), folder]
}

async function removeIfEmpty(io: Io, folder: string): Promise<void> {
  if ((await io.files.stat(folder)) !== null && (await io.files.list(folder)).length === 0)
    await io.files.removeTree(folder)
}

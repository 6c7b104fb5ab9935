import {
  expectedOf,
  isPending,
  isRemote,
  openingOf,
  RunbookError,
  oldHint,
  tooOld,
  type Backup,
  type BackupPlace,
  type Database,
  type Finding,
  type Look,
  type Preview,
} from '../../../src/index.ts'
import { choose, maybeNewer } from './choose-backup.ts'
import { mustBeOf, type OwnSource } from './source.ts'

type BackupChoice = {
  readonly from: BackupPlace
  /** The dump to take; null takes the newest. */
  readonly file: string | null
  readonly takenBefore: string | null
  /** Of the database; left out where the backup is not a dump. */
  readonly engine?: Database['engine']
}

/**
 * Checks that a backup can be chosen, has the manifest or checksum that it needs and is recent enough, without
 * reading its contents.
 * @param own what a manifest must name; asked only where there is one
 * @throws RunbookError as `choose`, `expectedOf` and `mustBeOf`
 */
export async function freshness(
  look: Look,
  { from, file, takenBefore, engine }: Preview<BackupChoice>,
  own: () => Promise<OwnSource>,
): Promise<readonly Finding[]> {
  if (isPending(from) || isPending(file) || isPending(takenBefore)) return []
  const backup: Backup = await choose(look, from, { file, takenBefore })
  // A missing checksum would stop the run at its first step, which is then recorded as a failed run.
  await mustBeOf(from, backup, await expectedOf(look, from, backup), own)
  // What is kept elsewhere is opened once it was downloaded.
  if (engine !== undefined && !isPending(engine) && !isRemote(from))
    await mustOpen(look, from, backup, engine)
  const newer = file === null ? await maybeNewer(look, from, backup, takenBefore) : []
  const problem = tooOld(from, backup, look.clock.now(), takenBefore)
  if (problem === null) return newer
  // An operator who names the file has accepted its age.
  return file === null
    ? [
        ...newer,
        {
          level: 'refuse',
          about: backup.name,
          problem,
          hint: oldHint(backup, 'find out why no newer backup arrived, or name this one with --dump'),
        },
      ]
    : [{ level: 'warn', about: backup.name, problem, hint: 'this is the requested file' }]
}

/** Only what is missing to open it: what is wrong with the dump itself is for the step that reads all of it. */
async function mustOpen(
  look: Look,
  from: BackupPlace,
  { file }: Backup,
  engine: Database['engine'],
): Promise<void> {
  try {
    await look.databases.header({ engine }, file, openingOf(from))
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError) || thrown.code === 'preflight') throw thrown
  }
}

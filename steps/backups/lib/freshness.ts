import {
  isPending,
  tooOld,
  type Backup,
  type BackupPlace,
  type Finding,
  type Look,
  type Preview,
} from '../../../src/index.ts'
import { choose, maybeNewer } from './choose-backup.ts'
import { expectedOf } from './kept.ts'
import { mustBeOf, type OwnSource } from './source.ts'

type BackupChoice = {
  readonly from: BackupPlace
  /** The dump to take; null takes the newest. */
  readonly file: string | null
  readonly takenBefore: string | null
}

/**
 * Checks that a backup can be chosen, has the manifest or checksum that it needs and is recent enough, without
 * reading its contents.
 * @param own what a manifest must name; asked only where there is one
 * @throws RunbookError as `choose`, `expectedOf` and `mustBeOf`
 */
export async function freshness(
  look: Look,
  { from, file, takenBefore }: Preview<BackupChoice>,
  own: () => Promise<OwnSource>,
): Promise<readonly Finding[]> {
  if (isPending(from) || isPending(file) || isPending(takenBefore)) return []
  const backup: Backup = await choose(look, from, { file, takenBefore })
  // A missing checksum would stop the run at its first step, which is then recorded as a failed run.
  await mustBeOf(from, backup, await expectedOf(look, from, backup), own)
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
          hint: 'find out why no newer backup arrived, or name this one with --dump',
        },
      ]
    : [{ level: 'warn', about: backup.name, problem, hint: 'this is the requested file' }]
}

import {
  expectedOf,
  flagOf,
  listBackups,
  placeName,
  RunbookError,
  shellWord,
  whenTaken,
  type BackupPlace,
  type JsonObject,
  type Look,
} from '../../../src/index.ts'
import { isBefore } from './choose-backup.ts'

/** How the same run is started again with another backup. */
export type Again = {
  readonly from: BackupPlace
  /** The flag that names the backup. */
  readonly flag: string
  /** The other parameters of the run, by name; null for those that were not given. */
  readonly params: JsonObject
}

const most = 3

/**
 * What to type when a backup turned out to be unfit: the complete command with the next older one, and those after
 * it. Only backups with the checksum that they need are named; none is read, since the run is about to end.
 */
export async function olderBackups(
  look: Look,
  { from, flag, params }: Again,
  unfit: { readonly file: string; readonly takenAt: string },
): Promise<string> {
  const older = []
  for (const backup of await listBackups(look, from)) {
    if (older.length === most) break
    if (!isBefore(backup, unfit.takenAt) || backup.file === unfit.file || backup.bytes < from.minBytes)
      continue
    try {
      await expectedOf(look, from, backup)
      older.push(backup)
    } catch (thrown) {
      if (!(thrown instanceof RunbookError)) throw thrown
    }
  }
  const [next, ...rest] = older
  if (next === undefined)
    return `there is no older backup in ${placeName(from)} with the checksum that it needs`
  const command = commandWith(look, { flag, params }, next.file)
  const others = rest.map((backup) => `${backup.file} (${whenTaken(backup)})`).join(', ')
  return `take the next older one, ${whenTaken(next)}, not read yet: ${command}${others === '' ? '' : `; older ones: ${others}`}`
}

/** The complete command that starts the same run with this backup, in backticks. */
export function commandWith(
  { run }: Pick<Look, 'run'>,
  { flag, params }: Pick<Again, 'flag' | 'params'>,
  file: string,
): string {
  const flags = Object.entries({ ...params, [flag]: file })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => ` ${flagOf(name)} ${shellWord(String(value))}`)
    .join('')
  return `\`runbook run ${run.runbook} --target ${run.target}${flags}\``
}

import { RunbookError, type Backup, type BackupPlace, type Look } from '../../../src/index.ts'

/**
 * The requested backup, or the newest one of a place.
 * @throws RunbookError `preflight` where none is found or it is too recent, `verification` where it is too
 * small
 */
export async function choose(
  look: Look,
  place: BackupPlace,
  wanted: { readonly file: string | null; readonly takenBefore: string | null },
): Promise<Backup> {
  const backup =
    wanted.file === null
      ? await newest(look, place, wanted.takenBefore)
      : await look.backups.find(place, wanted.file)
  if (wanted.takenBefore !== null && Date.parse(backup.takenAt) >= Date.parse(wanted.takenBefore)) {
    throw new RunbookError(
      'preflight',
      `${backup.file} was taken ${backup.takenAt}, when the bad deployment (${wanted.takenBefore}) had begun`,
      {
        hint: 'choose an older one, or leave the choice to the program',
      },
    )
  }
  if (backup.bytes < place.minBytes) {
    throw new RunbookError(
      'verification',
      `${backup.file} has ${backup.bytes} bytes; a backup of this place has at least ${place.minBytes}`,
      {
        hint: 'it is empty or cut off: choose another, and find out what went wrong when it was made',
      },
    )
  }
  return backup
}

async function newest(look: Look, place: BackupPlace, takenBefore: string | null): Promise<Backup> {
  const all = await look.backups.list(place)
  const found = all.find(
    (backup) => takenBefore === null || Date.parse(backup.takenAt) < Date.parse(takenBefore),
  )
  if (found !== undefined) return found
  const before = takenBefore === null ? '' : ` taken before ${takenBefore}`
  throw new RunbookError(
    'preflight',
    `no backup ${place.pattern}${before} in ${place.directory}${all.length > 0 ? `; the oldest of ${all.length} is of ${all.at(-1)?.takenAt}` : ''}`,
    {
      hint: 'check that backups arrive there and that the pattern in runbook.config.ts is right',
    },
  )
}

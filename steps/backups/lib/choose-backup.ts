import { RunbookError, type Backup, type BackupPlace, type Look } from '../../../src/index.ts'

/**
 * The requested backup, or the newest one of a place.
 * @throws RunbookError `preflight` where none is found or it is too recent, `verification` where it is too
 * small
 */
export async function choose(
  look: Look,
  place: BackupPlace,
  request: { readonly file: string | null; readonly takenBefore: string | null },
): Promise<Backup> {
  const backup =
    request.file === null
      ? await newest(look, place, request.takenBefore)
      : await look.backups.find(place, request.file)
  if (request.takenBefore !== null && Date.parse(backup.takenAt) >= Date.parse(request.takenBefore)) {
    throw new RunbookError(
      'preflight',
      `${backup.file} was taken ${backup.takenAt}, not before the bad deployment began (${request.takenBefore})`,
      {
        hint: 'choose an older one, or name none to use the newest one from before',
      },
    )
  }
  if (backup.bytes < place.minBytes) {
    throw new RunbookError(
      'verification',
      `${backup.file} has ${backup.bytes} bytes, fewer than the minimum of ${place.minBytes}`,
      {
        hint: 'it is empty or truncated: choose another, and find out why',
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
  const oldest = all.length === 0 ? '' : `; the oldest of ${all.length} was taken ${all.at(-1)?.takenAt}`
  throw new RunbookError('preflight', `no backup ${place.pattern}${before} in ${place.directory}${oldest}`, {
    hint: 'check that backups arrive there and that the pattern in runbook.config.ts is right',
  })
}

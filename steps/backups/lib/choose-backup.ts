import {
  findBackup,
  listBackups,
  placeName,
  RunbookError,
  undatedBackups,
  emptyHint,
  whenTaken,
  type Backup,
  type BackupPlace,
  type Finding,
  type Look,
} from '../../../src/index.ts'

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
      : await findBackup(look, place, request.file)
  if (!isBefore(backup, request.takenBefore)) {
    throw new RunbookError(
      'preflight',
      backup.takenBy === undefined
        ? `${backup.file} was taken ${backup.takenAt}, not before the bad deployment began (${request.takenBefore})`
        : `${backup.file} may be taken after the bad deployment began (${request.takenBefore}): by its name it was ${whenTaken(backup)}`,
      {
        hint: 'choose an older one, or name none to use the newest one from before',
      },
    )
  }
  if (backup.bytes === 0)
    throw new RunbookError('verification', `${backup.file} is empty (0 bytes)`, { hint: emptyHint })
  if (backup.bytes < place.minBytes) {
    throw new RunbookError(
      'verification',
      `${backup.file} has ${backup.bytes} bytes, fewer than the minimum of ${place.minBytes}`,
      {
        hint: 'it is truncated: find out why, and choose another: runbook backups',
      },
    )
  }
  return backup
}

/** A name without a time of day counts by its last moment: it may hold what the bad deployment wrote. */
export const isBefore = ({ takenAt, takenBy }: Backup, moment: string | null): boolean =>
  moment === null || Date.parse(takenBy ?? takenAt) < Date.parse(moment)

/** The backup that a run would take, whatever is wrong with it; null where there is none. */
export async function takenFor(
  look: Look,
  {
    from,
    file,
    takenBefore,
  }: { readonly from: BackupPlace; readonly file: string | null; readonly takenBefore: string | null },
): Promise<Backup | null> {
  if (file !== null) return findBackup(look, from, file)
  return (await listBackups(look, from)).find((backup) => isBefore(backup, takenBefore)) ?? null
}

async function newest(look: Look, place: BackupPlace, takenBefore: string | null): Promise<Backup> {
  const all = await listBackups(look, place)
  const found = all.find((backup) => isBefore(backup, takenBefore))
  if (found !== undefined) return found
  const before = takenBefore === null ? '' : ` taken before ${takenBefore}`
  const oldest =
    all.length === 0 ? '' : `; the oldest of ${all.length} was ${whenTaken(all.at(-1) as Backup)}`
  const undated = await undatedBackups(look, place)
  const names = undated.length === 0 ? '' : `; no time can be read in the names of ${listed(undated)}`
  throw new RunbookError(
    'preflight',
    `no backup ${place.pattern}${before} in ${placeName(place)}${oldest}${names}`,
    {
      hint:
        undated.length === 0
          ? 'check that backups arrive there and that the pattern in runbook.config.ts is right'
          : `name them with a date and a time, such as 20260203_041233, or set a pattern that fits`,
    },
  )
}

/**
 * Warnings about files that may be newer than the newest backup, whose names leave that open.
 * @param chosen the newest backup
 */
export async function maybeNewer(
  look: Look,
  place: BackupPlace,
  chosen: Backup,
  takenBefore: string | null,
): Promise<readonly Finding[]> {
  const than = Date.parse(chosen.takenAt)
  const coarse = (await listBackups(look, place)).filter(
    ({ file, takenAt, takenBy }) =>
      file !== chosen.file &&
      takenBy !== undefined &&
      Date.parse(takenBy) > than &&
      (takenBefore === null || Date.parse(takenAt) < Date.parse(takenBefore)),
  )
  // With fewer digits it is not a date: `latest`, `v2`.
  const undated = (await undatedBackups(look, place)).filter(
    ({ name, modifiedAt }) => Date.parse(modifiedAt) > than && /(?:\d\D*){6}/.test(name),
  )
  const warning = (files: readonly { readonly name: string }[], why: string): readonly Finding[] =>
    files.length === 0
      ? []
      : [
          {
            level: 'warn',
            about: placeName(place),
            problem: `${listed(files)} may be newer than ${chosen.name}, which is used: ${why}`,
            hint: 'if so, name the file to use; names with a date and a time, such as 20260203_041233, leave no doubt',
          },
        ]
  return [
    ...warning(coarse, 'a name without a time of day stands for all of its day'),
    ...warning(undated, 'no time can be read in the name'),
  ]
}

const listed = (files: readonly { readonly name: string }[]): string =>
  files
    .slice(0, 3)
    .map(({ name }) => JSON.stringify(name))
    .join(', ') + (files.length > 3 ? ` and ${files.length - 3} more` : '')

import type { BackupPlace } from '../drivers/backups.ts'
import type { Opening } from '../drivers/databases.ts'
import type { Store } from '../drivers/places.ts'
import { RunbookError } from '../kernel/errors.ts'

/** A place whose backups are downloaded before they are used. */
export type RemotePlace = BackupPlace & { readonly from: Store }

export const isRemote = (place: BackupPlace): place is RemotePlace => place.from !== undefined

/** The folder into which they are downloaded, as a place of its own. */
export function cacheOf({ from: _from, cacheBytes: _limit, ...folder }: BackupPlace): BackupPlace {
  return folder
}

/** How people call the place. */
export function placeName({ directory, from }: BackupPlace): string {
  if (from === undefined) return directory
  switch (from.kind) {
    case 's3':
      return `s3://${from.bucket}${from.prefix === '' ? '' : `/${from.prefix}`}`
    case 'rclone':
      return from.remote
    case 'restic':
      return `the restic repository ${from.repository}`
    case 'borg':
      return `the newest ${from.newest} archives of the Borg repository ${from.repository}`
  }
}

/**
 * Refuses a step that reads backups where they are not files of this machine.
 * @throws RunbookError `usage`
 */
export function mustBeHere(place: BackupPlace): void {
  if (isRemote(place))
    throw new RunbookError(
      'usage',
      `cannot read backups in ${placeName(place)}: they are not files of this machine`,
      {
        hint: 'in your own runbook, download the backup first with the step fetchBackup; sign a backup where it is made',
      },
    )
}

/** What opens the backups of a place. */
export const openingOf = ({ decrypt }: Pick<BackupPlace, 'decrypt'>): Opening =>
  decrypt === undefined ? {} : { decrypt }

import type { Backup, BackupPlace, Verified } from '../drivers/backups.ts'
import { RunbookError } from '../kernel/errors.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { checksumList, checksumFor } from './checksum-list.ts'

/** Clocks of two machines differ a little; a backup from further ahead was not taken when it says. */
const skewMilliseconds = 60_000

const refused = (message: string, hint: string): RunbookError =>
  new RunbookError('verification', message, { hint })

/** Newest first; of equal moments the greater name, so that the order is one and the same everywhere. */
export function newestFirst(backups: readonly Backup[]): readonly Backup[] {
  return backups.toSorted(
    (one, other) => Date.parse(other.takenAt) - Date.parse(one.takenAt) || (one.name < other.name ? 1 : -1),
  )
}

/**
 * What can be said of a backup without reading it.
 * @throws RunbookError `verification`: empty, smaller than `minBytes`, or taken in the future.
 */
export function mustBePlausible(place: BackupPlace, backup: Backup, now: Date): void {
  const file = shellWord(backup.file)
  if (backup.bytes === 0) {
    throw refused(
      `the backup ${file} is empty (0 bytes)`,
      `choose another one: ls -l ${shellWord(place.directory)}`,
    )
  }
  if (backup.bytes < place.minBytes) {
    throw refused(
      `the backup ${file} has ${backup.bytes} bytes, fewer than the ${place.minBytes} that a whole one has at least`,
      `compare it with the others, ls -l ${shellWord(place.directory)}, and lower minBytes in runbook.config.ts only if it is right`,
    )
  }
  const ahead = Date.parse(backup.takenAt) - now.getTime()
  if (ahead > skewMilliseconds) {
    throw refused(
      `the backup ${file} says that it was taken at ${backup.takenAt}, which is ${Math.ceil(ahead / 60_000)} minutes in the future`,
      backup.dated === 'by-name'
        ? 'look at the clock here and where backups are made (date -u); times in names are read as UTC, so write them with date -u'
        : `look at the clock here and where backups are made (date -u), or put the time into the names of backups and {time} into the pattern`,
    )
  }
}

/** A checksum file that lies beside a backup. `alone`: it is named after this one backup, so it must be about it. */
export type ChecksumFile = { readonly file: string; readonly text: string; readonly alone: boolean }

export type Expected = { readonly sha256: string; readonly checksumFile: string }

/**
 * The hash that a backup must have. The first file that names it decides; null where nothing vouches and nothing must.
 * @throws RunbookError `verification`, each with a message of its own: checksum missing though required, file empty, without a
 *   checksum, for other names only, contradicting itself.
 */
export function expectedHash(
  place: BackupPlace,
  backup: Backup,
  files: readonly ChecksumFile[],
): Expected | null {
  const silent: string[] = []
  for (const { file, text, alone } of files) {
    if (text.trim() === '')
      throw refused(`the checksum file ${shellWord(file)} is empty`, fetchAgain(backup, file))
    const found = checksumFor(checksumList(text), backup.name, alone)
    if (found.kind === 'vouches') return { sha256: found.sha256, checksumFile: file }
    if (found.kind === 'no-checksum')
      throw refused(`${shellWord(file)} holds no SHA-256 checksum`, fetchAgain(backup, file))
    if (found.kind === 'contradicts') {
      throw refused(
        `${shellWord(file)} gives ${found.hashes.length} different checksums for ${shellWord(backup.name)}`,
        `choose another backup: ls -l ${shellWord(place.directory)}`,
      )
    }
    if (alone) {
      const names = found.names.slice(0, 3).map(shellWord).join(', ')
      throw refused(
        `the checksum file ${shellWord(file)} is for another file: it names ${names}, not ${shellWord(backup.name)}`,
        fetchAgain(backup, file),
      )
    }
    silent.push(file)
  }
  if (place.checksums === 'if-present') return null
  const missing =
    silent.length > 0
      ? `${silent.map(shellWord).join(', ')} has no line for it`
      : `there is no ${shellWord(`${backup.name}.sha256`)} and no SHA256SUMS beside it`
  throw refused(
    `the backup ${shellWord(backup.file)} has no checksum, and this place requires one: ${missing}`,
    fetchAgain(backup, `${backup.file}.sha256`),
  )
}

function fetchAgain(backup: Backup, file: string): string {
  return `fetch ${shellWord(file)} again from where the backup was made, or choose another backup than ${shellWord(backup.name)}`
}

/** @throws RunbookError `verification` where the file's bytes are not those that its checksum names. */
export function verified(backup: Backup, expected: Expected | null, sha256: string): Verified {
  if (expected !== null && expected.sha256 !== sha256) {
    throw refused(
      `the backup ${shellWord(backup.file)} is not what ${shellWord(expected.checksumFile)} says: its SHA-256 is ${sha256}, not ${expected.sha256}`,
      'it was damaged or changed after it was made: choose another backup, or fetch this one again',
    )
  }
  return { ...backup, sha256, checksumFile: expected?.checksumFile ?? null }
}

import type { JsonObject } from '../kernel/json.ts'

/** A folder in which backups arrive. */
export type BackupPlace = {
  readonly directory: string
  /**
   * File name pattern. `*` is any text without `/`; `{time}` is the time of the backup in one of the forms
   * `20260203_041233`, `20260203-041233`, `20260203041233`, `2026-02-03T04-12-33Z`, also without seconds or
   * with the date alone. Subfolders named by dates are searched too.
   */
  readonly pattern: string
  /** Preflight refuses if the newest backup is older. Seconds. */
  readonly maxAgeSeconds: number
  readonly minBytes: number
  /** `required`: a backup without a checksum is refused. `if-present`: an existing checksum must match. */
  readonly checksums: 'required' | 'if-present'
}

export type Backup = JsonObject & {
  readonly file: string
  readonly name: string
  readonly bytes: number
  /**
   * ISO 8601, UTC. From the name, read as UTC if it has no zone; from the mtime (`dated: 'by-mtime'`) only if
   * the pattern has no `{time}` or an operator chose a file without a time in its name.
   */
  readonly takenAt: string
  readonly dated: 'by-name' | 'by-mtime'
  /**
   * Only where the name has a date alone or no seconds: the last moment that it stands for, `takenAt` being the
   * first. ISO 8601, UTC.
   */
  readonly takenBy?: string
}

/** A file that matches the pattern but for its time, which cannot be read. */
export type Undated = JsonObject & {
  readonly file: string
  readonly name: string
  /** ISO 8601, UTC. */
  readonly modifiedAt: string
}

export type Verified = Backup & {
  readonly sha256: string
  /** The checksum file it was compared with; null if none exists and none is required. */
  readonly checksumFile: string | null
}

export interface BackupsView {
  /** Newest first; empty if there are none. @throws RunbookError `preflight` if the folder cannot be read */
  list(place: BackupPlace): Promise<readonly Backup[]>
  /**
   * Files that `list` leaves out since their time cannot be read, though the rest of their name matches; newest
   * first by mtime, without links to listed ones. @throws RunbookError `preflight` like `list`
   */
  undated(place: BackupPlace): Promise<readonly Undated[]>
  /** Follows links. @throws RunbookError `usage` for a file that is missing or not a regular file */
  find(place: BackupPlace, file: string): Promise<Backup>
  /**
   * Hashes the file and compares it with its checksum: in `FILE.sha256`, the lock file of a bundle, or a line
   * of `SHA256SUMS` or `CHECKSUMS` beside it.
   * @throws RunbookError `verification`, with distinct messages: checksum mismatch, checksum required but
   *   missing, empty or for another name; backup empty, smaller than `minBytes`, dated in the future or
   *   still being written
   */
  verify(place: BackupPlace, backup: Backup): Promise<Verified>
  /**
   * The checksum that `verify` will compare it with, without reading the backup; null if none exists and none is
   * required. @throws RunbookError `verification` as `verify`, except for what only its contents show
   */
  checksumOf(
    place: BackupPlace,
    backup: Backup,
  ): Promise<{ readonly sha256: string; readonly checksumFile: string } | null>
}

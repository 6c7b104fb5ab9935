import type { JsonObject } from '../kernel/json.ts'

/** A folder in which backups arrive. */
export type BackupPlace = {
  readonly directory: string
  /**
   * File name pattern. `*` is any text without `/`; `{time}` is the moment it was taken, in any of the forms that teams write:
   * `20260203_041233`, `20260203-041233`, `20260203041233`, `2026-02-03T04-12-33Z`. Folders of dates below are searched too.
   */
  readonly pattern: string
  /** An older newest backup is refused by preflight. Seconds. */
  readonly maxAgeSeconds: number
  readonly minBytes: number
  /** `required`: a backup without a checksum is refused. `if-present`: an existing one must fit. */
  readonly checksums: 'required' | 'if-present'
}

export type Backup = JsonObject & {
  readonly file: string
  readonly name: string
  readonly bytes: number
  /**
   * From the name, read as UTC where it states no zone; from the mtime only where the pattern has no `{time}`, or an operator named
   * a file that states none, and then `dated` says so. ISO 8601, UTC.
   */
  readonly takenAt: string
  readonly dated: 'by-name' | 'by-mtime'
}

export type Verified = Backup & {
  readonly sha256: string
  /** The checksum file that vouches for it; null where none exists and none is required. */
  readonly checksumFile: string | null
}

export interface BackupsView {
  /** Newest first. Empty for a place without one. @throws RunbookError `preflight` where the folder cannot be read. */
  list(place: BackupPlace): Promise<readonly Backup[]>
  /** @throws RunbookError `usage` for a file that is missing or no regular file. Links are followed and named. */
  find(place: BackupPlace, file: string): Promise<Backup>
  /**
   * Hashes the whole file and compares it with its checksum (`FILE.sha256`, or a line of `SHA256SUMS` beside it).
   * @throws RunbookError `verification`, with a message of its own for: mismatch, checksum missing though required, empty, for another name;
   *   and for a backup that is empty, smaller than `minBytes`, dated in the future or still being written.
   */
  verify(place: BackupPlace, backup: Backup): Promise<Verified>
}

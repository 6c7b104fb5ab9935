import type { JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'
import type { Store } from './places.ts'

/** A folder in which backups arrive, or another place with the folder into which they are downloaded. */
export type BackupPlace = {
  /** With `from`, the cache: nothing arrives there but what runs download. */
  readonly directory: string
  /** Where the backups are kept, if not in `directory`. */
  readonly from?: Store
  /** The most that downloads may take in `directory`. Bytes. */
  readonly cacheBytes?: number
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
  /** `signed`: a backup without a signed manifest is refused, whatever checksum it has. */
  readonly require?: 'signed'
  /** Systems besides the target's own whose backups are accepted, as manifests name them (`source.system`). */
  readonly alsoFrom?: readonly string[]
  /** The passphrase or identity of encrypted backups. */
  readonly decrypt?: SecretHandle
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

/** What a backup was made from. */
export type BackupSource = JsonObject & {
  readonly kind: 'postgres' | 'sqlite' | 'folder' | 'images' | 'release'
  /**
   * What a restore compares with its own system. Postgres: `system_identifier`. SQLite and folders: the path.
   * Images and releases: their name.
   */
  readonly system: string
  /** Of the database, folder or bundle. */
  readonly name: string
  /** Postgres only: where the server answered, and the oid of the database. */
  readonly host?: string
  readonly oid?: string
}

export type RowCount = JsonObject & { readonly table: string; readonly rows: number }

/** What a run states about a backup that it made and read back. */
export type Statement = {
  readonly source: BackupSource
  /** ISO 8601, UTC. */
  readonly begun: string
  /** Versions of the server and of the tools that made it. */
  readonly tools: readonly JsonObject[]
  /** Null where they are not known to be those of this backup. */
  readonly rows: readonly RowCount[] | null
}

/** A manifest whose signature by a trusted key was verified. */
export type SignedManifest = JsonObject & {
  readonly file: string
  /** Fingerprint of the key that signed it, as `ssh-keygen -l` prints it. */
  readonly key: string
  readonly source: BackupSource
  /** ISO 8601, UTC. */
  readonly begun: string
  readonly ended: string
  readonly rows: readonly RowCount[] | null
  /** The run that signed it. */
  readonly run: string
}

/** What a backup is compared with: its manifest, or else a checksum file. */
export type Expected = {
  readonly sha256: string
  readonly checksumFile: string
  readonly manifest?: SignedManifest
}

export type Verified = Backup & {
  readonly sha256: string
  /** The manifest or checksum file it was compared with; null if none exists and none is required. */
  readonly checksumFile: string | null
  /** Left out where it has no manifest. */
  readonly manifest?: SignedManifest
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
   * Hashes the file and compares it with its signed manifest, or without one with its checksum: in
   * `FILE.sha256`, the lock file of a bundle, or a line of `SHA256SUMS` or `CHECKSUMS` beside it.
   * @throws RunbookError `verification`, with distinct messages: manifest not signed, signed by a key that is
   *   not trusted, altered or for another name; manifest or checksum required but missing; checksum mismatch,
   *   empty or for another name; backup empty, smaller than `minBytes`, dated in the future or still being
   *   written
   */
  verify(place: BackupPlace, backup: Backup): Promise<Verified>
  /**
   * What `verify` will compare it with, without reading the backup; null if nothing exists and nothing is
   * required. @throws RunbookError `verification` as `verify`, except for what only its contents show
   */
  checksumOf(place: BackupPlace, backup: Backup): Promise<Expected | null>
  /**
   * As `checksumOf`, for a backup that is not on this machine, from what is kept beside it.
   * @throws RunbookError `verification` as `checksumOf`
   */
  judge(place: BackupPlace, backup: Backup, beside: SidecarFiles): Promise<Expected | null>
}

/** The small files beside a backup that is kept elsewhere, as they were read there. */
export type SidecarFiles = {
  /** The names of all files beside it. */
  readonly names: readonly string[]
  /** Contents by name, of those that can vouch for it. */
  readonly read: ReadonlyMap<string, Uint8Array>
}

/** A complete file, by the digest that was found when it was read back. */
export type CompleteFile = {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

export interface Backups extends BackupsView {
  /**
   * Writes `FILE.manifest.json` beside a backup, and its signature `FILE.manifest.json.sig` before it, so that
   * a manifest is never without one. A manifest that is there is replaced.
   * @throws RunbookError `verification` if the file has another size by now, `preflight` without a signing key
   */
  sign(made: CompleteFile, statement: Statement): Promise<SignedManifest>
}

import type { JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'

/** Where backups are kept that are not files of this machine. Credentials are named, never contained. */
export type Store = S3Store | RcloneStore | ResticStore | BorgStore

/** A bucket of Amazon S3 or of a server with the same interface. */
export type S3Store = JsonObject & {
  readonly kind: 's3'
  readonly bucket: string
  /** Start of the keys, without a slash at its end; empty for the complete bucket. */
  readonly prefix: string
  /** Null for Amazon's own. */
  readonly endpoint: string | null
  readonly region: string
  /** Whether the bucket is part of the path and not of the host name. */
  readonly pathStyle: boolean
  /** Null: the credentials that AWS's own tools would use. */
  readonly credentials: {
    readonly id: string | SecretHandle
    readonly key: SecretHandle
    readonly token: SecretHandle | null
  } | null
}

/** Anything that rclone reaches. */
export type RcloneStore = JsonObject & {
  readonly kind: 'rclone'
  /** `REMOTE:PATH`; the remote is defined in rclone's configuration or by variables. */
  readonly remote: string
  /** rclone's configuration file; null for its own default. */
  readonly config: string | null
  readonly variables: Variables
}

/** Snapshots of a restic repository. */
export type ResticStore = JsonObject & {
  readonly kind: 'restic'
  readonly repository: string
  readonly password: SecretHandle
  /** Only snapshots with this host or tag count; null for any. */
  readonly host: string | null
  readonly tag: string | null
  readonly variables: Variables
}

/** Archives of a Borg repository (version 1). */
export type BorgStore = JsonObject & {
  readonly kind: 'borg'
  readonly repository: string
  /** Null for a repository without encryption. */
  readonly passphrase: SecretHandle | null
  /** Only the newest archives are searched, since each takes a program of its own. */
  readonly newest: number
  readonly variables: Variables
}

/** Variables that the program gets, by name: credentials of what is behind it. */
export type Variables = JsonObject & { readonly [name: string]: SecretHandle }

export type StoredDigest = JsonObject & {
  readonly algorithm: 'md5' | 'sha1' | 'sha256'
  readonly hex: string
}

/** A file in a store. */
export type StoredObject = JsonObject & {
  /** Path below the place, with `/`. In restic and Borg the snapshot or archive is its first part. */
  readonly key: string
  readonly bytes: number
  /** ISO 8601, UTC. Of a snapshot or archive: when it was made. */
  readonly modifiedAt: string
  /** Differs once the object has been replaced. */
  readonly version: string
}

export type FetchedObject = {
  readonly bytes: number
  /** Of what was written, computed while it was received. */
  readonly sha256: string
  /** Bytes of an earlier try that were not fetched again. */
  readonly resumedAt: number
}

export interface PlacesView {
  /**
   * All objects of a place whose names can be those of a backup or of what lies beside one. Downloads none.
   * @param pattern of the names of backups; a store that searches by name uses it
   * @throws RunbookError `preflight`, with distinct messages: not reachable, credentials refused, bucket, remote
   *   or repository missing, locked, program missing
   */
  list(store: Store, pattern: string): Promise<readonly StoredObject[]>
  /** The digest that the place keeps of the complete object; null if it keeps none. Downloads nothing. */
  digestOf(store: Store, object: StoredObject): Promise<StoredDigest | null>
  /** Reads a small object. @throws RunbookError `failed` beyond `maxBytes`, and as `list` */
  read(store: Store, object: StoredObject, maxBytes: number): Promise<Uint8Array>
}

export interface Places extends PlacesView {
  /**
   * Downloads an object to a file, which exists under its name only when it is complete and has the size of the
   * object and the digest that the place keeps, durably and with the object's time; a former file of that name is
   * replaced. Until then it is `TO.partial`: a later call continues it where the place can, and removes it
   * otherwise. A connection that is cut is tried again as long as bytes arrive.
   * @throws RunbookError `verification`: another size or digest, or the object was replaced meanwhile, and nothing
   *   is left. `failed`: connection lost, no space left, or another run is downloading it; as `list` otherwise
   */
  fetch(store: Store, object: StoredObject, to: string): Promise<FetchedObject>
}

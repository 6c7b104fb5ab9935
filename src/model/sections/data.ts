import type { BackupPlace } from '../../drivers/backups.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Json } from '../../kernel/json.ts'

export type DataArchive = {
  readonly place: BackupPlace
  readonly passphrase: SecretHandle | null
  readonly keyFiles: readonly KeyFile[]
  /** How archives are made. Left out where they come from elsewhere and are only restored. */
  readonly making?: DataMaking
}

export type KeyFile = {
  /** Relative to the one folder that holds everything in the archive; to its root where there is no such folder. */
  readonly path: string
  readonly parse: 'none' | 'json' | 'yaml' | 'toml' | 'sqlite'
  readonly minBytes: number
  /** Dotted paths in the parsed file and the values that must stand there. */
  readonly expect: { readonly [path: string]: Json }
}

export type DataMaking = {
  /** The live folder; its name is that of the one folder in the archive. */
  readonly source: string
  /** Start of the archives' names: `codex-api` of `codex-api-20260203T041233Z.tar.gz`. */
  readonly name: string
  readonly exclude: readonly string[]
  /** Members that an archive must have at the least, its one folder among them. */
  readonly minMembers: number
  /** Whether a file that changes while it is packed makes the backup fail, or is only told of. */
  readonly whileChanging: 'refuse' | 'note'
  /** What `--encrypt` encrypts with: gpg (symmetric, AES-256), or age, which needs no program. Both are read. */
  readonly encryption: 'gpg' | 'age'
  /** Folders of dates in which archives are filed. Those in either are found. */
  readonly layout: 'YYYY/MM-DD' | 'YYYY-MM-DD' | 'flat'
  /** Archives that pruning leaves, the new one among them. Null: it must be said each time. */
  readonly keep: number | null
  /** What all archives may take together. Bytes. */
  readonly quotaBytes: number | null
  readonly mount: DataMount | null
}

/** The drive that must be mounted, for a folder that lies where it should be would take the backups of a year without complaint. */
export type DataMount = {
  readonly path: string
  /** A file on the drive, absolute. */
  readonly sentinel: string | null
  /** After which a drive that does not answer counts as dead. */
  readonly timeoutSeconds: number
}

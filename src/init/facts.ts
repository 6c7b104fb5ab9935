/** What was found on the machine: what the proposal is made from. Contains secrets; see `ServiceFacts`. */
export type Facts = {
  /** Folder of the configuration; absolute. */
  readonly folder: string
  readonly projects: readonly ProjectFacts[]
  /** SQLite databases of this folder, where it has no Compose project. */
  readonly databases: readonly LocalDatabase[]
  /** What was seen and cannot be used, for people. */
  readonly remarks: readonly string[]
}

export type ProjectFacts = {
  readonly name: string
  readonly directory: string
  /** Whether the folder of the first file is `directory`, as Compose assumes. */
  readonly usual: boolean
  /** Absolute. */
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  /** The profiles of the services that run. */
  readonly profiles: readonly string[]
  readonly services: readonly ServiceFacts[]
  /** What started it, such as Coolify; null for Compose by hand. */
  readonly platform: Platform | null
  readonly backups: readonly BackupFolder[]
  readonly sqlite: readonly SqliteFile[]
  /** Answers of the published ports, by URL without a path; ports that did not answer are missing. */
  readonly answers: readonly HttpAnswer[]
}

export type LocalDatabase = {
  /** Absolute. */
  readonly file: string
  readonly backups: readonly BackupFolder[]
}

export type HttpAnswer = { readonly url: string; readonly status: number }

export type Platform = {
  readonly name: 'Coolify' | 'Dokploy'
  /** The system as its users call it, if the platform says so. */
  readonly title: string | null
  /** Folders in which it keeps backups. */
  readonly backups: readonly string[]
}

/**
 * A service as Compose resolves it. `environment` and `words` contain secrets: only names, users, hosts, ports
 * and paths may leave them.
 */
export type ServiceFacts = {
  readonly name: string
  readonly image: string | null
  /** The image that a build starts from, as far as it is known. */
  readonly base: string | null
  readonly built: boolean
  readonly environment: { readonly [name: string]: string }
  readonly words: readonly string[]
  /** Services that must be there first, with the condition. */
  readonly dependsOn: { readonly [service: string]: string }
  /** Names under which others reach it. */
  readonly hosts: readonly string[]
  /** Keys of its networks; null if it shares the network of the machine or of another container. */
  readonly networks: readonly string[] | null
  readonly ports: readonly PublishedPort[]
  readonly mounts: readonly ServiceMount[]
  /** Files of this machine that hold its secrets, by name. */
  readonly secrets: { readonly [name: string]: string | null }
  /** The command of the health check; null if it has none. */
  readonly healthcheck: readonly string[] | null
  readonly profiles: readonly string[]
  /** Null if it has no container. */
  readonly running: boolean | null
  /** Null while it has not exited. */
  readonly exitCode: number | null
}

export type PublishedPort = {
  readonly published: number
  readonly target: number
  /** Address to which a client on this machine connects. */
  readonly address: string
}

export type ServiceMount = {
  readonly kind: 'volume' | 'folder'
  /** Name of the volume as Docker has it, or an absolute path. */
  readonly source: string
  readonly target: string
}

export type BackupFolder = {
  /** Absolute. */
  readonly path: string
  readonly files: readonly BackupFile[]
}

export type BackupFile = {
  readonly name: string
  readonly bytes: number
  readonly modifiedAt: string
  readonly kind: BackupKind | null
  /** Whether a SHA-256 is beside it. */
  readonly checksum: boolean
}

/** What the first bytes say. */
export type BackupKind =
  | 'custom-format dump'
  | 'plain SQL'
  | 'SQLite file'
  | 'gzip'
  | 'zstd'
  | 'xz'
  | 'bzip2'
  | 'encrypted'
  | 'tar'

export type SqliteFile = {
  readonly service: string
  /** Path in the container. */
  readonly path: string
  /** Path on this machine; null in a volume. */
  readonly host: string | null
}

import type { Json, JsonObject } from '../kernel/json.ts'
import type { Duration } from './quantities.ts'
import type { SecretSource } from './secret.ts'
import type { AccessConfig } from './sections/access.ts'
import type { ComposeStackConfig } from './sections/compose-stack.ts'
import type { ConfigurationConfig } from './sections/configuration.ts'
import type { DocumentsConfig } from './sections/documents.ts'
import type { ExportsConfig } from './sections/exports.ts'
import type { DataConfig } from './sections/data.ts'
import type { DrillConfig } from './sections/drill.ts'
import type { HealthConfig } from './sections/health.ts'
import type { ImagesConfig } from './sections/images.ts'
import type { PublicationConfig } from './sections/publication.ts'
import type { ReleaseFoldersConfig } from './sections/release-folders.ts'
import type { ReleaseConfig } from './sections/release.ts'
import type { OperatorsConfig } from './sections/operators.ts'
import type { PlaceConfig } from './sections/place.ts'
import type { RestoreTestConfig } from './sections/restore-test.ts'
import type { LogScanConfig, MetricsConfig } from './sections/watch.ts'
import type { MigrationsConfig } from './sections/migrations.ts'
import type { VersionConfig } from './sections/version.ts'
import type { DeploymentsConfig, ImageLineConfig } from './sections/deployments.ts'
import type { VolumeDatabaseConfig } from './sections/volume-database.ts'

/** Relative paths start at the folder of `runbook.config.ts`; `~` is the home folder. */
export type Config = {
  /** Folders with one file a runbook. Default `['./runbooks']`, which may be missing: some runbooks come with the program. */
  readonly runbooks?: readonly string[]
  /** Where evidence folders are made. Default `./artifacts`. */
  readonly artifacts?: string
  /** The journal's folder. Default `$XDG_STATE_HOME/runbook`, else `~/.local/state/runbook`. */
  readonly state?: string
  /** The Markdown file of a story, `{story}` being what `--story` gives: it gets one line a run. */
  readonly stories?: { readonly files: string }
  /** Taken where `--target` is not given. Not needed with a single target. */
  readonly defaultTarget?: string
  readonly targets: { readonly [name: string]: TargetConfig }
}

/** One system. Each section is optional; a runbook says which it needs. */
export type TargetConfig = {
  readonly title?: string
  readonly objectives?: { readonly rto?: Duration; readonly rpo?: Duration }
  readonly stack?: ComposeStackConfig | ProcessStackConfig
  /** Services of the stack of which a release of the application consists. */
  readonly app?: readonly string[]
  /** Services of the stack that write to the database. */
  readonly writers?: readonly string[]
  readonly database?: PostgresConfig | SqliteConfig
  readonly backups?: PlaceConfig
  readonly assertions?: readonly AssertionConfig[]
  readonly health?: readonly HealthConfig[]
  /** A service of the stack that runs once and ends. */
  readonly smoke?: { readonly service: string; readonly command?: readonly string[] }
  readonly retention?: {
    /** Folder for dumps that a run makes. */
    readonly dumps: string
    /** How long the old database is kept under its other name. Default 7 days. */
    readonly keepOld?: Duration
    /** Whether the old database is dumped before it may be removed. Default true. */
    readonly dumpOld?: boolean
  }
  readonly bundle?: PlaceConfig & {
    readonly install: readonly string[]
    readonly dryRun: readonly string[]
    readonly environment?: { readonly [name: string]: string }
  }
  readonly data?: DataConfig
  readonly drill?: DrillConfig
  readonly images?: ImagesConfig
  /** Bundles made of a checkout's tracked files. */
  readonly release?: ReleaseConfig
  /** Releases that are deployed by a link to a folder. */
  readonly releaseFolders?: ReleaseFoldersConfig
  /** Where bundles are published as GitHub Releases. */
  readonly publication?: PublicationConfig
  readonly staging?: string
  /** A Markdown file that gets one line a run. */
  readonly checklist?: string
  readonly exports?: ExportsConfig
  readonly configuration?: ConfigurationConfig
  readonly access?: AccessConfig
  readonly metrics?: MetricsConfig
  readonly logScan?: LogScanConfig
  readonly operators?: OperatorsConfig
  /** A SQLite database in a volume of a service. */
  readonly volumeDatabase?: VolumeDatabaseConfig
  readonly deployments?: DeploymentsConfig
  readonly imageLine?: ImageLineConfig
  readonly version?: VersionConfig
  readonly migrations?: MigrationsConfig
  /** Dumps are tested in a throwaway server. */
  readonly restoreTest?: RestoreTestConfig
  /**
   * Names of runbooks that also ask a person for what no program can know: `full-db-rollback` for the bad deployment window, the backup file
   * and the post-mortem. Where nobody is at a terminal, `--answer` and `--skip` must answer. Default: none.
   */
  readonly duties?: readonly string[]
  /** Files that people gave the system to keep. */
  readonly documents?: DocumentsConfig
  /** Whatever the team's own runbooks need. */
  readonly settings?: JsonObject
}

export type ProcessStackConfig = {
  readonly kind: 'process'
  readonly project: string
  /** Where the services run. Default: the folder of `runbook.config.ts`. */
  readonly directory?: string
  /** Folder for pid and log files. Default `.processes/PROJECT`. */
  readonly state?: string
  readonly services: {
    readonly [name: string]:
      | readonly string[]
      | {
          readonly command: readonly string[]
          readonly environment?: { readonly [name: string]: string }
          readonly oneOff?: boolean
        }
  }
}

type AnyDatabase = {
  /** What must be typed before anything replaces this database. Default `restore NAME on HOST`. */
  readonly confirmPhrase?: string
  /** How exactly old data is recognised. Default `rows-and-digest`; `rows` is quicker on large databases. */
  readonly fingerprint?: 'rows-and-digest' | 'rows'
}

/** Either `service` of the target's Compose stack, or `host` (and `port`) of a server. */
export type PostgresConfig = AnyDatabase & {
  readonly engine: 'postgres'
  readonly name: string
  readonly user: string
  readonly service?: string
  readonly host?: string
  /** Default 5432. */
  readonly port?: number
  readonly password?: SecretSource
}

export type SqliteConfig = AnyDatabase & {
  readonly engine: 'sqlite'
  readonly file: string
  /** Default: the file's name without its ending. */
  readonly name?: string
}

/** A read-only query; the first column of its first row is compared with exactly one of the three. */
export type AssertionConfig = {
  readonly name: string
  readonly sql: string
  readonly equals?: Json
  readonly atLeast?: number
  readonly oneOf?: readonly Json[]
}

/** Names that nobody reads are refused where they are written. */
type Known<T, K extends PropertyKey> = { readonly [N in Exclude<keyof T, K>]: never }

type KeysOfEach<T> = T extends unknown ? keyof T : never

type KnownSection<T, Section> = T extends readonly (infer Item)[]
  ? Section extends readonly (infer Wanted)[]
    ? readonly Known<Item, KeysOfEach<Wanted>>[]
    : unknown
  : Known<T, KeysOfEach<Section>>

type KnownTarget<T> = Known<T, keyof TargetConfig> & {
  readonly [S in keyof T]: S extends keyof TargetConfig
    ? KnownSection<T[S], NonNullable<TargetConfig[S]>>
    : never
}

type Checked<C extends Config> = Known<C, keyof Config> & {
  readonly defaultTarget?: Extract<keyof C['targets'], string>
  readonly targets: { readonly [N in keyof C['targets']]: KnownTarget<C['targets'][N]> }
}

/**
 * Describes the systems that runbooks work on. The default export of `runbook.config.ts`.
 * @returns the same, its type remembering which targets there are and which sections they have
 */
export function defineConfig<C extends Config>(config: C & Checked<C>): C {
  return config
}

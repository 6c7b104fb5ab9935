import type { BackupPlace } from '../drivers/backups.ts'
import type { Database } from '../drivers/databases.ts'
import type { HealthCheck } from '../drivers/http.ts'
import type { MigrationTool } from '../drivers/migrations.ts'
import type { ReleaseHost } from '../drivers/releases.ts'
import type { ServiceGroup, Stack } from '../drivers/services.ts'
import type { Access } from './sections/access.ts'
import type { DataArchive } from './sections/data.ts'
import type { Drill } from './sections/drill.ts'
import type { StackImages } from './sections/images.ts'
import type { ReleaseFolders } from './sections/release-folders.ts'
import type { Release } from './sections/release.ts'
import type { Configuration } from './sections/configuration.ts'
import type { Documents } from './sections/documents.ts'
import type { Exports } from './sections/exports.ts'
import type { Operators } from './sections/operators.ts'
import type { RestoreTest } from './sections/restore-test.ts'
import type { LogScan, Metrics } from './sections/watch.ts'
import type { Deployments, ImageLine } from './sections/deployments.ts'
import type { VolumeDatabase } from './sections/volume-database.ts'
import { digestOf, type Json, type JsonObject } from '../kernel/json.ts'
import type { VersionPin } from './sections/version.ts'

/**
 * A named system, with everything that a runbook needs to know of it. Made from `runbook.config.ts`; plain JSON, since it stands in the plan.
 * Sections are optional: a runbook names those it needs, and is refused for a target without them.
 */
export interface Target {
  readonly name: TargetName
  readonly title: string
  readonly objectives: Objectives
  readonly stack?: Stack
  /** The services of which a release of the application consists: they are deployed and rolled back together. */
  readonly app?: ServiceGroup
  /** The services that write: nothing may write while data is exchanged. */
  readonly writers?: ServiceGroup
  readonly database?: Database
  /** Where the database's dumps arrive. */
  readonly backups?: BackupPlace
  /** What a restored copy must answer before it may go live. */
  readonly assertions?: readonly Assertion[]
  readonly health?: readonly HealthCheck[]
  readonly smoke?: OneOff
  readonly retention?: Retention
  readonly bundle?: Bundle
  readonly data?: DataArchive
  readonly drill?: Drill
  readonly images?: StackImages
  readonly release?: Release
  readonly releaseFolders?: ReleaseFolders
  readonly publication?: ReleaseHost
  /** Folder in which archives are unpacked for a look; emptied again. */
  readonly staging?: string
  readonly checklist?: Checklist
  readonly exports?: Exports
  readonly configuration?: Configuration
  readonly access?: Access
  readonly metrics?: Metrics
  readonly logScan?: LogScan
  readonly operators?: Operators
  readonly volumeDatabase?: VolumeDatabase
  readonly deployments?: Deployments
  readonly imageLine?: ImageLine
  readonly version?: VersionPin
  readonly migrations?: Migrating
  readonly restoreTest?: RestoreTest
  /** Runbooks in which a person also does and confirms what the program cannot know, where the runbook has such duties. */
  readonly duties?: readonly string[]
  readonly documents?: Documents
  /** Whatever else a team's own runbooks need; typed from the configuration. */
  readonly settings: Settings
}

export type Objectives = {
  /** Recovery time objective: from the start of the run to the service being up. Seconds. */
  readonly rtoSeconds: number | null
  /** Recovery point objective: how much data may be lost at the most. Seconds. */
  readonly rpoSeconds: number | null
}

export type Assertion = {
  readonly name: string
  /** Read-only; its first column of its first row is compared. */
  readonly sql: string
  readonly expect:
    | { readonly equals: Json }
    | { readonly atLeast: number }
    | { readonly oneOf: readonly Json[] }
}

/** The tool, and the field of the readiness answer by which the application says that the database's migrations are its own. */
export type Migrating = { readonly tool: MigrationTool; readonly readyField: string }

export type OneOff = { readonly stack: Stack; readonly service: string; readonly command: readonly string[] }

export type Retention = {
  /** Folder for dumps that a run makes: fallbacks, and the old database once the service is back. */
  readonly dumps: string
  /** How long the old database stays under its other name before `prune` may remove it. Seconds. */
  readonly keepOldSeconds: number
  readonly dumpOld: boolean
}

export type Bundle = {
  readonly place: BackupPlace
  /** Installs production dependencies, in the folder of the extracted bundle. */
  readonly install: readonly string[]
  /** Starts it with its dry-run switch; exit code 0 means that it starts. */
  readonly dryRun: readonly string[]
  readonly environment: { readonly [name: string]: string }
}

/** The Markdown file to which a run adds one line. */
export type Checklist = { readonly file: string }

/**
 * Augmented by `runbook.config.ts`, so that runbooks are checked against the team's own configuration (names of targets, their
 * sections, their settings): `declare module 'runbook' { interface Registered { config: typeof config } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type
export interface Registered {}

type Configured = Registered extends { readonly config: { readonly targets: infer T } }
  ? T
  : { readonly [name: string]: JsonObject }
export type TargetName = Extract<keyof Configured, string>
type SettingsOf<T> = T extends { readonly settings: infer S } ? S : never
export type Settings = [SettingsOf<Configured[keyof Configured]>] extends [never]
  ? JsonObject
  : SettingsOf<Configured[keyof Configured]>

type AlwaysPresent = 'name' | 'title' | 'objectives' | 'settings'
export type Section = Exclude<keyof Target, AlwaysPresent>

type KeysOfEach<T> = T extends unknown ? keyof T : never
/** Sections that at least one configured target has: a runbook that needs another could run nowhere. */
export type ConfiguredSection = string extends keyof Configured
  ? Section
  : Extract<Section, KeysOfEach<Configured[keyof Configured]>>

/** A target that has the sections named. */
export type TargetWith<S extends Section> = Target & { readonly [K in S]-?: NonNullable<Target[K]> }

/**
 * The real system behind a target, whatever it is called: runs on the same database, images or stack exclude each other.
 * A target with neither is known by its name.
 */
export function systemOf(target: Target): string {
  const { database, images, stack } = target
  if (database?.engine === 'sqlite') return digestOf(['sqlite', database.file]).slice(0, 16)
  if (database?.engine === 'postgres' && database.via.kind === 'server') {
    return digestOf(['postgres', database.via.host, database.via.port, database.name]).slice(0, 16)
  }
  // Production and development side by side share names of images, pointers and tar files: what the one rolls back to, the other must not prune.
  if (images !== undefined) return digestOf(['images', images.repository, images.folder]).slice(0, 16)
  if (stack !== undefined) return digestOf(['stack', stack.kind, stack.project, stack.directory]).slice(0, 16)
  return digestOf(['name', target.name]).slice(0, 16)
}

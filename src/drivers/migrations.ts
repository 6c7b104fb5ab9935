import type { JsonObject } from '../kernel/json.ts'
import type { Stack } from './services.ts'

/** The tool that knows an application's migrations. It lives in the application's image, so what it knows depends on which image that is. */
export type MigrationTool = {
  readonly stack: Stack
  /** Its one-off container has the environment and the network that the tool needs. */
  readonly service: string
  /** `NAME:TAG` to run that service with; null for the one that the stack's files name. */
  readonly image: string | null
  /** `['alembic']`, with its global options if it needs any. */
  readonly command: readonly string[]
  /** Works on a copy of a SQLite database instead of the service's own; null for that one. */
  readonly copy: DatabaseCopy | null
}

/** A folder of this machine takes the place of the folder in the container that holds the database. */
export type DatabaseCopy = {
  readonly folder: string
  /** Its name, in the one folder as in the other. */
  readonly file: string
  /** The folder in the container. */
  readonly at: string
}

/** One migration, as its file in the image says. */
export type Revision = JsonObject & {
  readonly id: string
  /** What it comes after: none for the first, several for a merge. */
  readonly down: readonly string[]
  readonly head: boolean
  /** First line of its description. */
  readonly message: string
  /** `empty`: there is a `downgrade()` that does nothing, or only refuses. */
  readonly downgrade: 'present' | 'empty' | 'missing'
  /** Hints read off the text of `upgrade()`: what only adds, and what an older application may stumble over. */
  readonly adds: readonly string[]
  readonly breaks: readonly string[]
}

/** Newest first. */
export type MigrationHistory = JsonObject & { readonly revisions: readonly Revision[] }

/** Looking into an image makes a container, so there is nothing here for read-only eyes. */
export interface Migrations {
  /**
   * The revisions that the database is at: none where no migration was ever applied, several where branches were not merged. Where there is no
   * database, a tool may make an empty one. @throws as `history`, and for a revision that the image does not have
   */
  current(tool: MigrationTool): Promise<readonly string[]>
  /** In containers that are gone when this returns. @throws RunbookError `failed` where the tool fails or says what nobody understands */
  history(tool: MigrationTool): Promise<MigrationHistory>
  /**
   * To a revision, never by a number of steps: a second call then finds nothing left to do. `base` undoes all.
   * @throws RunbookError `failed` with the last line of the tool, as for a revision that the image does not have
   */
  downgrade(tool: MigrationTool, to: string): Promise<void>
  upgrade(tool: MigrationTool, to: string): Promise<void>
}

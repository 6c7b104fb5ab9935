import type { JsonObject } from '../kernel/json.ts'
import type { Stack } from './services.ts'

/** An application's migration tool. It is part of the image, so the image decides which migrations it has. */
export type MigrationTool = {
  readonly stack: Stack
  /** Service whose one-off container has the environment and the network that the tool needs. */
  readonly service: string
  /** `NAME:TAG` to run that service with; null: the image in the stack's files. */
  readonly image: string | null
  /** `['alembic']`, with global options if needed. */
  readonly command: readonly string[]
  /** Copy of a SQLite database to work on; null: the service's own database. */
  readonly copy: DatabaseCopy | null
}

/** A folder of this machine, mounted over the container's folder with the database. */
export type DatabaseCopy = {
  readonly folder: string
  /** File name, the same in both folders. */
  readonly file: string
  /** The folder in the container. */
  readonly at: string
}

/** One migration, from its file in the image. */
export type Revision = JsonObject & {
  readonly id: string
  /** Its parents: none for the first migration, several for a merge. */
  readonly down: readonly string[]
  readonly head: boolean
  /** First line of its description. */
  readonly message: string
  /** `empty`: `downgrade()` exists but does nothing or only raises. */
  readonly downgrade: 'present' | 'empty' | 'missing'
  /** Hints from the text of `upgrade()`: what it only adds, and what may break an older application. */
  readonly adds: readonly string[]
  readonly breaks: readonly string[]
}

/** Newest first. */
export type MigrationHistory = JsonObject & { readonly revisions: readonly Revision[] }

/** There is no read-only view: reading an image requires a container. */
export interface Migrations {
  /**
   * Current revisions of the database: none before the first migration, several for unmerged branches. A tool
   * may create an empty database if there is none.
   * @throws like `history`, and for a revision that is not in the image
   */
  current(tool: MigrationTool): Promise<readonly string[]>
  /**
   * All migrations in the image. Its containers are removed when this returns.
   * @throws RunbookError `failed` if the tool fails or its output is not understood
   */
  history(tool: MigrationTool): Promise<MigrationHistory>
  /**
   * To a revision, never by a number of steps, so that a repeated call has no effect. `base` undoes all.
   * @throws RunbookError `failed` with the last line of the tool, as for a revision that is not in the image
   */
  downgrade(tool: MigrationTool, to: string): Promise<void>
  upgrade(tool: MigrationTool, to: string): Promise<void>
}

import type { ComposePostgres, PostgresDatabase } from '../../drivers/databases.ts'
import type { ComposeStack, ServiceGroup } from '../../drivers/services.ts'

/** What lets programs in, each a file with a copy of it to go back to. */
export type Access = {
  readonly pgHba: PgHba
  readonly daemon: DaemonSettings
  /** The Compose file of the stack that is put back. */
  readonly composeFile: string
  readonly stack: ComposeStack
  /** What must run when access is there again. */
  readonly services: ServiceGroup
}

export type PgHba = {
  /** As the container of the database sees it. */
  readonly file: string
  /** How the application logs in, over TCP. */
  readonly login: PostgresDatabase & { readonly via: ComposePostgres }
  readonly withinSeconds: number
}

export type DaemonSettings = {
  readonly file: string
  /** Starts the daemon anew; it ends when that runs, or could not be started. */
  readonly restart: readonly string[]
  /** Written by the daemon at each start: by this one is told from the next. */
  readonly pidFile: string
  readonly withinSeconds: number
}

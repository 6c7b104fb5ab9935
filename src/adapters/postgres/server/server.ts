import type { Readable, Writable } from 'node:stream'
import type { PostgresDatabase } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Ended } from '../../process/shell.ts'
import type { Unwrap } from '../../unwrap/unwrap.ts'

export type Program = 'psql' | 'pg_dump' | 'pg_restore'

/** One call of a client program of PostgreSQL. */
export type ClientCall = {
  readonly program: Program
  readonly args: readonly string[]
  /** The database to connect to; null for a call that must not connect to a server. */
  readonly database: string | null
  /** Instead of the target's user. */
  readonly as?: Login
  readonly stdin?: string | Readable
  readonly stdout?: 'log' | { readonly text: number } | Writable
}

export type Login = { readonly user: string; readonly password: string }

export type Tool = { readonly tool: Program; readonly version: string; readonly where: string }

/** How a script ended: `rows` are the texts of the selected rows, in order. */
export type ScriptEnd = Pick<Ended, 'exitCode' | 'stderrTail'> & { readonly rows: readonly string[] }

/** A server and its matching client programs: what differs between a container and a connection string. */
export interface Server {
  readonly database: PostgresDatabase
  /** The name shown to operators. */
  readonly host: string
  /**
   * An exit code is returned, not thrown.
   * @throws RunbookError `preflight` if no suitable program is installed
   */
  run(call: ClientCall, scope: Scope): Promise<Ended>
  /** Runs a script with psql, up to its first error. An exit code is returned, not thrown. */
  script(script: { readonly database: string; readonly sql: string }, scope: Scope): Promise<ScriptEnd>
  tools(scope: Scope): Promise<readonly Tool[]>
  /** Takes off what a dump is wrapped in, on this machine. */
  readonly unwrap: Unwrap
  /**
   * Copies a stream into a file beside the server, which programs of `run` can read at any place. Only of a throwaway, with
   * which the file is removed. @returns its path
   */
  readonly holdFile?: (content: Readable, scope: Scope) => Promise<string>
  /** Free bytes on the file system of the server's data directory; null if unknown. */
  freeBytes(place: ServerPlace, scope: Scope): Promise<number | null>
}

export type ServerPlace = {
  readonly dataDirectory: string
  readonly port: number
  readonly startedAtSeconds: number
}

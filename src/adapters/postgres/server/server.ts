import type { Readable, Writable } from 'node:stream'
import type { PostgresDatabase } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Ended } from '../../process/shell.ts'

export type Program = 'psql' | 'pg_dump' | 'pg_restore'

/** One call of a client program of PostgreSQL. */
export type ClientCall = {
  readonly program: Program
  readonly args: readonly string[]
  /** The database it connects to, by the name as it is; null for a call that must touch no server at all. */
  readonly database: string | null
  readonly stdin?: string | Readable
  readonly stdout?: 'log' | { readonly text: number } | Writable
}

export type Tool = { readonly tool: Program; readonly version: string; readonly where: string }

/** A server and the programs that suit it: all that differs between a container and a connection string. */
export interface Server {
  readonly database: PostgresDatabase
  /** As operators know it. */
  readonly host: string
  /** An exit code is a value. @throws RunbookError `preflight` where no suitable program is at hand. */
  run(call: ClientCall, scope: Scope): Promise<Ended>
  tools(scope: Scope): Promise<readonly Tool[]>
  /** Free bytes on the file system of a folder of the server; null where we cannot look. */
  freeBytes(place: ServerPlace, scope: Scope): Promise<number | null>
}

export type ServerPlace = {
  readonly dataDirectory: string
  readonly port: number
  readonly startedAtSeconds: number
}

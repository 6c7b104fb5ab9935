import type { Json, JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'
import type { ComposeStack } from './services.ts'

/** Where a database is. Plain data; a password is named, never held. */
export type Database = PostgresDatabase | SqliteDatabase

export type PostgresDatabase = {
  readonly engine: 'postgres'
  readonly name: string
  readonly user: string
  readonly via: ComposePostgres | ServerPostgres | ThrowawayPostgres
  /** What an operator must type before anything replaces this database; it names host and database. */
  readonly confirmPhrase: string
  /** How exactly the old data is recognised after an undo: every row, or only row counts. */
  readonly fingerprint: 'rows-and-digest' | 'rows'
}

/** In a service of a Compose project: tools run inside that container, so they have the server's own major version. */
export type ComposePostgres = {
  readonly kind: 'compose'
  readonly stack: ComposeStack
  readonly service: string
  /** Connects by TCP to this name, as programs of other services do, and not by the container's own socket, which asks nobody for a password. */
  readonly login?: { readonly host: string; readonly password: SecretHandle | null }
}

/** By connection string: the tools of this machine are used, and their major version must not be older than the server's. */
export type ServerPostgres = {
  readonly kind: 'server'
  readonly host: string
  readonly port: number
  readonly password: SecretHandle | null
}

/** In a container of a run's own: tools run inside it, over the loopback address of its own. No configuration can name one. */
export type ThrowawayPostgres = { readonly kind: 'throwaway'; readonly container: string }

/** What is restored into for a look only. A live database is none, whatever it is called. */
export type ThrowawayDatabase = PostgresDatabase & { readonly via: ThrowawayPostgres }

export type SqliteDatabase = {
  readonly engine: 'sqlite'
  readonly name: string
  /** Absolute path of the main file. */
  readonly file: string
  readonly confirmPhrase: string
  readonly fingerprint: 'rows-and-digest' | 'rows'
}

/** Who exactly answers there. Two servers never share one, so a run on the wrong host is refused. */
export type Identity = JsonObject & {
  readonly engine: 'postgres' | 'sqlite'
  readonly host: string
  readonly name: string
  /**
   * `system_identifier` and the database's oid for Postgres (pg_control_system()); for SQLite the device and inode of the folder and
   * the file's name, for the file itself is another one after a swap.
   */
  readonly system: string
  readonly major: number
  readonly version: string
  readonly bytes: number
  readonly acceptsWrites: boolean
  /**
   * Of the tables: changes whenever they are made anew, so a restore in place is seen even where it brings equal data.
   * Digest of the tables' oids for Postgres, device and inode of the file for SQLite.
   */
  readonly generation: string
}

export type TableFingerprint = JsonObject & {
  readonly table: string
  readonly rows: number
  /** Of the rows, in no particular order; null where only rows are counted. */
  readonly digest: string | null
}

export type Fingerprint = JsonObject & {
  readonly tables: readonly TableFingerprint[]
  readonly digest: string
}

/** A dump that was read to its last byte. Only `inspect` and `dump` make one, so to hold it is the proof. */
export type Dump = JsonObject & {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly engine: 'postgres' | 'sqlite'
  /** `custom` for pg_dump -Fc, `sqlite` for a database file. */
  readonly format: 'custom' | 'sqlite'
  /** Major version of the server that was dumped; 3 for SQLite. */
  readonly major: number
  /** The database's name as the archive states it; null for SQLite, which states none. */
  readonly database: string | null
  /** From the archive's own header where it has one, else from the file's name; never the mtime alone. ISO 8601, UTC. */
  readonly takenAt: string
  /**
   * Whether the archive's own check values would have shown an altered byte of data: pg_dump's gzip has them; its zstd, lz4 and
   * uncompressed forms and SQLite have none, so there only a checksum beside the file can tell.
   */
  readonly provesItself: boolean
  /** Tables with data in the archive. */
  readonly tables: readonly string[]
}

/** What a dump says of itself at its start. It proves nothing of what follows. */
export type DumpHeader = JsonObject & Pick<Dump, 'engine' | 'major' | 'database' | 'takenAt'>

/** Roles and extensions that a dump needs and a server may lack. */
export type Fit = JsonObject & {
  readonly missingRoles: readonly string[]
  readonly missingExtensions: readonly string[]
}

/** A value of a row, as text with the kind that it has in SQLite; Postgres, which reads each type back from its text, has `text` only. Blobs are hexadecimal. */
export type Cell = readonly [kind: 'integer' | 'real' | 'text' | 'blob', text: string] | null

/** Whole rows of one table, without columns that the database computes itself. */
export type TableRows = {
  readonly table: string
  readonly columns: readonly string[]
  /** Columns of the primary key. */
  readonly key: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** Rows whose column has a value, given as text. */
export type RowChoice = { readonly table: string; readonly column: string; readonly value: string }

export interface DatabasesView {
  /** @throws RunbookError `preflight` when nobody answers, bounded in time. */
  identity(database: Database): Promise<Identity>
  /**
   * Whether a complete database of this name lives beside it (for SQLite: a sibling file). The live one's own name works too.
   * A copy gets its name only when it is complete: until then it is called otherwise.
   */
  exists(database: Database, name: string): Promise<boolean>
  /** Names of the complete databases beside the live one, whatever they are: all of the server, or all plain files in the folder for SQLite. Sorted. */
  beside(database: Database): Promise<readonly string[]>
  /** Size on disk of the live database or a copy. */
  bytes(database: Database, name: string): Promise<number>
  /**
   * Whether an unfinished restore that was to become `name` lies about, as a killed one leaves it. `drop` removes it too; for the live
   * name, that of a restore in place, another restore in place does.
   */
  leftover(database: Database, name: string): Promise<boolean>
  /** Of the live database, or of a copy beside it. Read in one transaction; changes nothing. */
  fingerprint(database: Database, name: string): Promise<Fingerprint>
  /** One read-only query, bounded in time and rows, on the live database or a copy. @throws where it tries to write. */
  query(database: Database, name: string, sql: string): Promise<readonly JsonObject[]>
  /**
   * Rows of the live database or a copy, all as they are at one moment, in the order asked for; bounded as a query is.
   * @throws RunbookError `failed`: no such table or column, no primary key, too many rows or bytes
   */
  rows(database: Database, name: string, choices: readonly RowChoice[]): Promise<readonly TableRows[]>
  /**
   * Reads the start of a dump. No server is asked, nor named: it may be that none runs.
   * @throws RunbookError `verification`: missing, empty, no dump.
   */
  header(of: Pick<Database, 'engine'>, file: string): Promise<DumpHeader>
  /**
   * Reads a dump to its last byte and says what it is.
   * `pg_restore --list` accepts half a file and any bit flip in the data, so the archive is decoded whole.
   * @throws RunbookError `verification`: missing, empty, truncated, damaged, of another engine.
   */
  inspect(database: Database, file: string): Promise<Dump>
  fit(database: Database, dump: Dump): Promise<Fit>
  /** Sessions of others on a database: how many, and of which applications. For SQLite: processes holding the file open. */
  sessions(database: Database, name: string): Promise<readonly Session[]>
  /** Where new data will lie: free bytes there, as the server or the file system states; null where it cannot be known. */
  freeBytes(database: Database): Promise<number | null>
  /** Tool versions that dump and restore will use, for preflight and evidence. */
  tools(database: Database): Promise<readonly JsonObject[]>
}

export type Session = JsonObject & {
  readonly id: string
  readonly application: string
  readonly user: string
}

/** A copy beside the live database. */
export type Copy = JsonObject & { readonly name: string; readonly bytes: number }

export interface Databases extends DatabasesView {
  /**
   * Restores into a new database beside the live one while that serves. All or nothing: a failure leaves no copy.
   * The bytes are hashed on their way in, and other bytes than the inspected ones fail (`verification`).
   * Leftovers of the same name from an earlier attempt of the same run are removed first.
   */
  restoreBeside(database: Database, dump: Dump, name: string): Promise<Copy>
  /**
   * Has a server in a container read its settings and its `pg_hba.conf` anew, and ends no session. Logs in nowhere, so it works where nobody can.
   * It returns when the server was told; `pg_conf_load_time()` says when it did. @throws RunbookError `failed` where none runs there
   */
  reload(database: Database): Promise<void>
  /** A name that does not exist is no error. The live name is refused. */
  drop(database: Database, name: string): Promise<void>
  /**
   * live becomes `aside`, `staged` becomes live; atomically, so no moment exists in which neither is there.
   * Owner, ACL, settings and connection limit (file: owner and mode) of live are carried over to the new live one.
   * Needs writers gone: sessions of others are refused at first, then ended within bounds.
   */
  swap(database: Database, names: { readonly staged: string; readonly aside: string }): Promise<void>
  /** A dump of the live database that is complete and inspected when this returns; written as `.partial`, then renamed. */
  dump(database: Database, name: string, file: string): Promise<Dump>
  /** `--clean --if-exists` in one transaction, owners kept where the role may and else given to the owner of the live database. The live data is gone when this commits; a failure leaves it as it was. */
  restoreInPlace(database: Database, dump: Dump): Promise<void>
  /**
   * As `restoreInPlace`, and whatever else the live database holds goes too: for taking a restore in place back to its fallback, which
   * may lack what the restored dump brought. The dump is proven first; a kill between clearing and restoring leaves the database empty,
   * and another call brings it to its end.
   */
  restoreExactly(database: Database, dump: Dump): Promise<void>
  /** Into the live database, in one transaction and in the order given, foreign keys enforced: all or none. */
  insertRows(database: Database, batch: readonly TableRows[]): Promise<void>
  /**
   * From the live database, in one transaction and against the order given. A row that is gone is no error.
   * @throws RunbookError `failed`, and none is deleted: where a row was changed since, or rows that are not in the batch depend on one
   */
  deleteRows(database: Database, batch: readonly TableRows[]): Promise<void>
  /** Makes the roles that are not there yet. They cannot log in and own nothing. @returns those that were made */
  createRoles(database: ThrowawayDatabase, roles: readonly string[]): Promise<readonly string[]>
}

export type Row = { readonly [column: string]: Json }

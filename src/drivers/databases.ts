import type { Json, JsonObject } from '../kernel/json.ts'
import type { RestoreRights } from './restore-rights.ts'
import type { SecretHandle } from './secrets.ts'
import type { ComposeStack } from './services.ts'
import type { Wrapping } from './wrapping.ts'

/** Where a database is. Plain data; holds the source of a password, never its value. */
export type Database = PostgresDatabase | SqliteDatabase

export type PostgresDatabase = {
  readonly engine: 'postgres'
  readonly name: string
  readonly user: string
  readonly via: ComposePostgres | ServerPostgres | ThrowawayPostgres
  /** With `user`, dumps are always restored with the rights of `user`. */
  readonly restoreAs?: 'limited' | 'user'
  /** What an operator must type before this database is replaced; names host and database. */
  readonly confirmPhrase: string
  /** How the old data is verified after an undo: by all rows, or by row counts only. */
  readonly fingerprint: 'rows-and-digest' | 'rows'
}

/** In a service of a Compose project. Tools run in its container, so they have the server's major version. */
export type ComposePostgres = {
  readonly kind: 'compose'
  readonly stack: ComposeStack
  readonly service: string
  /**
   * Connects over TCP to this name, as other services do, instead of the container's own socket, which
   * requires no password.
   */
  readonly login?: { readonly host: string; readonly password: SecretHandle | null }
}

/** Over TCP with the tools of this machine, whose major version must not be older than the server's. */
export type ServerPostgres = {
  readonly kind: 'server'
  readonly host: string
  readonly port: number
  readonly password: SecretHandle | null
}

/** In a run's own container: tools run inside it, over its loopback address. Cannot be configured. */
export type ThrowawayPostgres = { readonly kind: 'throwaway'; readonly container: string }

/** Target of a trial restore. By its type, never a live database. */
export type ThrowawayDatabase = PostgresDatabase & { readonly via: ThrowawayPostgres }

export type SqliteDatabase = {
  readonly engine: 'sqlite'
  readonly name: string
  /** Absolute path of the main file. */
  readonly file: string
  readonly confirmPhrase: string
  readonly fingerprint: 'rows-and-digest' | 'rows'
  /** Collations and functions that the application adds to SQLite; what uses them is not checked. */
  readonly applicationDefines?: readonly string[]
}

/** Identity of the database that answers. Unique per server, so a run on the wrong host is refused. */
export type Identity = JsonObject & {
  readonly engine: 'postgres' | 'sqlite'
  readonly host: string
  readonly name: string
  /**
   * Postgres: `system_identifier` from pg_control_system() and the oid of the database. SQLite: device and
   * inode of the folder and the file's name, since a swap replaces the file itself.
   */
  readonly system: string
  readonly major: number
  readonly version: string
  readonly bytes: number
  readonly acceptsWrites: boolean
  /**
   * Changes when the tables are recreated, so a restore in place is detected even if the data is equal.
   * Postgres: digest of the oids of the tables. SQLite: device and inode of the file.
   */
  readonly generation: string
  /**
   * Identifies the database itself, whatever its name: two that were swapped have exchanged it. Postgres: as
   * `system`. SQLite: device and inode of the file.
   */
  readonly instance: string
}

/** How a server lists a database, read without a session on it. */
export type Listing = JsonObject & {
  /** As in `Identity`. */
  readonly instance: string
  /** Whether sessions may connect. A closed database refuses those of superusers too. */
  readonly open: boolean
  /**
   * Another one after each change of its name, owner, privileges or options, `open` among them; never because of its
   * data. Equal for two databases that were renamed by the same swap and not changed since. Postgres: `xmin` of its row
   * in pg_database, which vacuuming keeps.
   */
  readonly version: string
}

/** What a swap exchanges; the live database is named by the `Database`. */
export type SwapNames = {
  readonly staged: string
  /** The new name of the live database; null where nothing is live. */
  readonly aside: string | null
  /**
   * From the exchange on, the database put aside refuses sessions, so nobody can write to it. When the swap fails, the
   * live database may refuse them too: `open` it, or swap again.
   */
  readonly closing?: boolean
  /**
   * Its version since when `staged` has been closed. It must have this version when it is renamed, and stays closed
   * under the live name. Left out, what becomes live is open.
   */
  readonly closedSince?: string
  /**
   * Of `staged`, as `readExclusively` returned it: it must still have it when it is renamed, so that what becomes live is
   * what was read.
   */
  readonly version?: string
}

/** The reading part of a database to which nobody else can write. */
export type ExclusiveView = Pick<DatabasesView, 'fingerprint' | 'query'>

/** What was read of a copy, and its version then: `Listing.version` of a server, else `fileVersion`. */
export type ReadExclusively<T> = { readonly value: T; readonly version: string }

export type TableFingerprint = JsonObject & {
  readonly table: string
  readonly rows: number
  /** Of the rows, independent of their order; null if rows are only counted. */
  readonly digest: string | null
}

export type Fingerprint = JsonObject & {
  readonly tables: readonly TableFingerprint[]
  readonly digest: string
}

/**
 * `custom` for pg_dump -Fc, `directory` for -Fd, `tar` for -Ft and a packed folder of -Fd, `plain` for SQL of pg_dump, `cluster` for that of pg_dumpall,
 * of which one database counts, `sqlite` for a database file.
 */
export type DumpFormat = 'custom' | 'directory' | 'tar' | 'plain' | 'cluster' | 'sqlite'

/** How to open a dump. */
export type Opening = {
  /** The passphrase or identity of an encrypted one. */
  readonly decrypt?: SecretHandle
  /** The database to take out of a dump of several; default: that of the same name. */
  readonly of?: string
}

/** A dump that was read to its last byte: only `inspect` and `dump` return one. */
export type Dump = JsonObject & {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly engine: 'postgres' | 'sqlite'
  readonly format: DumpFormat
  /** What the file is wrapped in, the outermost first; left out where there is nothing. */
  readonly wrapped?: readonly Wrapping[]
  /** What decrypts it. */
  readonly decrypt?: SecretHandle
  /** Major version of the server that was dumped; 3 for SQLite. */
  readonly major: number
  /** Database name from the archive; null for SQLite, which has none. */
  readonly database: string | null
  /** From the archive's header if it has one, else the file name; never the mtime alone. ISO 8601, UTC. */
  readonly takenAt: string
  /**
   * Whether the archive has its own checksums, so that an altered byte would have been found. pg_dump's gzip
   * has them; its zstd, lz4 and uncompressed forms and SQLite need a checksum file.
   */
  readonly provesItself: boolean
  /** Tables with data in the archive. */
  readonly tables: readonly string[]
  /**
   * Subscriptions to other servers, which no restore creates: a copy would take their changes. Left out where
   * there are none.
   */
  readonly subscriptions?: readonly string[]
  /** What no restore of it brings, in words: other parts of a dump of all databases, what SQL of SQLite lacks. */
  readonly leftOut?: readonly string[]
  /** Missing in older journals. */
  readonly contents?: DumpContents
  /** What reading it takes on the disk of this machine until it is read; left out where it is only streamed. */
  readonly unpacked?: UnpackedDump
}

/** `folder` is `TMPDIR`. */
export type UnpackedDump = JsonObject & { readonly bytes: number; readonly folder: string }

/** Header of a dump. Does not prove that the rest is intact. */
export type DumpHeader = JsonObject &
  Pick<Dump, 'engine' | 'format' | 'wrapped' | 'major' | 'database' | 'takenAt'> & {
    /** Size of the SQLite database that is wrapped, as it says itself; missing where it does not. */
    readonly inside?: number
  }

/**
 * A dump that may replace live data: its table of contents was read, and a restore of it either happens as a whole or
 * not at all. SQL is first proven in a copy.
 */
export type ExactDump = Dump & { readonly format: 'custom' | 'directory' | 'tar' | 'sqlite' }

export const isExact = (dump: Dump): dump is ExactDump => dump.format !== 'plain' && dump.format !== 'cluster'

/** What a dump needs that the server or the role of the target lacks. */
export type Fit = JsonObject & {
  readonly missingRoles: readonly string[]
  readonly missingExtensions: readonly string[]
  /** What of it only a superuser can create, each in words; empty where the role is one. */
  readonly needsSuperuser: readonly string[]
}

/**
 * A value of a row as text, with its SQLite storage class; always `text` for Postgres, which parses each type
 * from text. Blobs are hex.
 */
export type Cell = readonly [kind: 'integer' | 'real' | 'text' | 'blob', text: string] | null

/** Complete rows of one table, without generated columns. */
export type TableRows = {
  readonly table: string
  readonly columns: readonly string[]
  /** Columns of the primary key. */
  readonly key: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Columns that a sequence of Postgres numbers. SQLite does so by the rows themselves. */
  readonly numbered?: readonly Numbered[]
}

/** How far the sequence of a column is, and its increment: integers as text. */
export type Numbered = { readonly column: string; readonly last: string; readonly by: string }

/** Rows whose column equals a value, given as text. */
export type RowChoice = { readonly table: string; readonly column: string; readonly value: string }

/** A table with its rows. `estimated`: from the statistics of the server, since counting them takes long. */
export type TableRowCount = JsonObject & {
  readonly table: string
  readonly rows: number
  readonly estimated: boolean
}

/** What a database holds, to compare with a dump or a copy of it. Lists are sorted; SQLite has tables only. */
export type Contents = JsonObject & {
  /** Ordinary tables, as in `fingerprint`, but without those of extensions, which no dump has. */
  readonly tables: readonly TableRowCount[]
  /** Without `public` and those of the server. */
  readonly schemas: readonly string[]
  readonly sequences: readonly string[]
  readonly extensions: readonly string[]
  readonly largeObjects: number
  /** All others that a dump of it would have, such as views and privileges; why, where they could not be listed. */
  readonly objects: readonly DatabaseObject[] | string
}

/** An object as the tools of its engine name it. */
export type DatabaseObject = JsonObject & {
  /** Its kind and name, the same for live and dump, such as `view: public.sales`. */
  readonly title: string
  /** Titles of what it is a part of and lost with, such as the table of an index. */
  readonly partOf: readonly string[]
}

/**
 * What the server keeps for one database outside it, or what acts on it, and no dump has. `active`: in use now.
 * Owner, privileges, settings, comment and connection limit are not listed: a swap transfers them.
 */
export type Attachment = JsonObject & {
  readonly what:
    | 'replication slot'
    | 'subscription'
    | 'prepared transaction'
    | 'scheduled jobs'
    | 'background worker'
    | 'security label'
  readonly name: string
  readonly active: boolean
}

/** What the account or role of the target may not read, so that fingerprint and dump fail. */
export type Unreadable = JsonObject & {
  /** `file`: a SQLite database. A partitioned table has no rows of its own, but a dump locks it. */
  readonly what: 'table' | 'partitioned table' | 'sequence' | 'large object' | 'file'
  readonly name: string
  /** In words, such as `no SELECT, owner billing`. */
  readonly why: string
  /** SQL statements or shell commands that permit it. */
  readonly cures: readonly string[]
}

/** A change for which reading is not enough. */
export type ChangeNeedingRights =
  | { readonly do: 'restore beside' | 'swap' | 'restore in place' | 'drop copies' }
  | { readonly do: 'insert rows'; readonly tables: readonly string[] }

/** What the account or role of the target lacks for a change. */
export type MissingRight = JsonObject & {
  /** In words, such as `CREATEDB`. */
  readonly lacks: string
  /** Whether the change cannot succeed without it; otherwise that depends on what happens until then. */
  readonly certain: boolean
  /** SQL statements or shell commands that permit it. */
  readonly cures: readonly string[]
}

/** What a dump says that it holds, besides the names of the tables with data. */
export type DumpContents = JsonObject & {
  /**
   * Rows of the tables where the dump shows them before it is restored: SQLite of every table, an archive of Postgres
   * of empty ones only, and of none that is compressed with lz4, SQL of those with COPY.
   */
  readonly rows: readonly { readonly table: string; readonly rows: number }[]
  /** Tables that it creates and whose data was left out of it. */
  readonly withoutData: readonly string[]
  readonly schemas: readonly string[]
  readonly sequences: readonly string[]
  readonly extensions: readonly string[]
  readonly largeObjects: boolean
  /** Titles as in `Contents.objects`, of tables too. Missing in older journals. */
  readonly objects?: readonly string[]
}

export interface DatabasesView {
  /** @throws RunbookError `preflight` if the server does not answer in time */
  identity(database: Database, name?: string): Promise<Identity>
  /**
   * Whether a complete database of this name exists beside it (SQLite: a sibling file); accepts the live name
   * too. A copy gets its name only once it is complete.
   */
  exists(database: Database, name: string): Promise<boolean>
  /**
   * Which tables the live database has: one that was created again is another one, also under the same name; one whose rows
   * or columns changed is the same. The oldest 1,000. Null where `Identity.instance` says it already (SQLite).
   */
  tableIds(database: Database): Promise<readonly string[] | null>
  /** Null where there is no such database, or no server that keeps sessions out (SQLite). */
  listing(database: Database, name: string): Promise<Listing | null>
  /**
   * Another one after each write to the file of a SQLite database, the same one under another name. Reading it takes as
   * long for every size. Null where it is unknown: for a server, and while a log beside the file has content.
   */
  fileVersion(database: Database, name: string): Promise<string | null>
  /** Names of all complete databases of the server (SQLite: all regular files in the folder), sorted. */
  beside(database: Database): Promise<readonly string[]>
  /** Size on disk of the live database or a copy. */
  bytes(database: Database, name: string): Promise<number>
  /**
   * Whether a killed restore to `name` left something unfinished. `drop` removes that too; for the live name
   * (a restore in place), another restore in place does.
   */
  leftover(database: Database, name: string): Promise<boolean>
  /**
   * Of the live database or a copy beside it, read in one transaction.
   * @throws RunbookError `verification` if Postgres reports that the data itself is damaged
   */
  fingerprint(database: Database, name: string): Promise<Fingerprint>
  /** Of the live database or a copy beside it, read in one transaction. Large tables are not counted. */
  contents(database: Database, name: string): Promise<Contents>
  /** Of the live database, sorted by kind and name. Empty for SQLite, where a file is all there is. */
  attachments(database: Database): Promise<readonly Attachment[]>
  /** What of the live database may not be read, from catalogues only, sorted by kind and name; at most 1,000. */
  unreadable(database: Database): Promise<readonly Unreadable[]>
  /** What is missing for a change, without trying it; certain ones first, at most 1,000. */
  missingRights(database: Database, change: ChangeNeedingRights): Promise<readonly MissingRight[]>
  /** One read-only query on the live database or a copy, bounded in time and rows. @throws if it writes */
  query(database: Database, name: string, sql: string): Promise<readonly JsonObject[]>
  /**
   * Rows of the live database or a copy from one snapshot, in the requested order; bounded like `query`.
   * @throws RunbookError `failed`: no such table or column, no primary key, too many rows or bytes
   */
  rows(database: Database, name: string, choices: readonly RowChoice[]): Promise<readonly TableRows[]>
  /**
   * Distinct values of a column as text, without NULL, sorted.
   * @throws RunbookError `failed`: no such table or column, more than 100,000 values, or one that is binary (SQLite)
   */
  values(database: Database, name: string, of: Omit<RowChoice, 'value'>): Promise<readonly string[]>
  /**
   * Reads the start of a dump without any server, since none may be running.
   * @throws RunbookError `verification`: missing, empty, not a dump; `preflight`: a program or secret to unwrap it is
   *   missing
   */
  header(of: Pick<Database, 'engine'>, file: string, opening?: Opening): Promise<DumpHeader>
  /**
   * Reads a dump to its last byte. Decodes the complete archive, because `pg_restore --list` accepts a
   * truncated file and flipped bits in the data.
   * @throws RunbookError `verification`: missing, empty, truncated, damaged, of another engine
   */
  inspect(database: Database, file: string, opening?: Opening): Promise<Dump>
  /**
   * Reads a dump that a run took itself. It must be complete; what it holds is not judged, since it may be the
   * damaged data that the run replaces: no rows, no tables, dangling references.
   * @throws RunbookError `verification`: missing, empty, truncated, of another engine
   */
  readBack(database: Database, file: string): Promise<Dump>
  fit(database: Database, dump: Dump): Promise<Fit>
  /**
   * With whose rights a restore executes the SQL of a dump. Null where it executes none (SQLite).
   * @param name of the copy; the live name for a restore in place
   */
  restoreRights(database: Database, dump: Dump, name: string): Promise<RestoreRights | null>
  /** Sessions of others on a database. SQLite: processes that have the file open. */
  sessions(database: Database, name: string): Promise<readonly Session[]>
  /** Free bytes where new data is stored, from the server or the file system; null if unknown. */
  freeBytes(database: Database): Promise<number | null>
  /** Versions of the tools that dump and restore use. */
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
   * Restores into a new database beside the live one, which stays in service. A failure leaves no copy.
   * Removes leftovers of the same name from an earlier attempt of the run first. Without rights, those that
   * `restoreRights` returns are used.
   * @throws RunbookError `verification` if the bytes read are not the inspected ones
   */
  restoreBeside(database: Database, dump: Dump, name: string, rights?: RestoreRights | null): Promise<Copy>
  /**
   * Reads a copy while nobody else can write to it. A server ends the sessions of others first and keeps the copy closed
   * from then on, also after a failure, until a swap makes it live or `open` is called. A file cannot be closed: it must have
   * the same version before and after.
   * @throws RunbookError `verification` if it was opened (by a server) or written to (a file) meanwhile; `usage` for the
   *   live database
   */
  readExclusively<T>(
    database: Database,
    name: string,
    read: (copy: ExclusiveView) => Promise<T>,
  ): Promise<ReadExclusively<T>>
  /**
   * Makes a server in a container reload its settings and `pg_hba.conf`; sessions continue. Needs no login.
   * Returns once the server is signalled; `pg_conf_load_time()` shows when it has reloaded.
   * @throws RunbookError `failed` if no server runs there
   */
  reload(database: Database): Promise<void>
  /** A missing database is not an error. The live name is refused. */
  drop(database: Database, name: string): Promise<void>
  /**
   * Renames live to `aside` and `staged` to live, atomically. The new live database gets the owner, ACL,
   * settings and connection limit of the old one (SQLite: owner and mode).
   * Writers must be stopped: sessions of others are refused and ended at once.
   * Where `aside` is null, `staged` is an earlier live database that gets its name back because nothing has
   * it: a live database refuses that.
   */
  swap(database: Database, names: SwapNames): Promise<void>
  /** Lets sessions connect to a database that a swap closed. One that is open, or missing, is not an error. */
  open(database: Database, name: string): Promise<void>
  /** Dumps a database as it is to `.partial`, reads it back and renames it to `file`. */
  dump(database: Database, name: string, file: string): Promise<ExactDump>
  /**
   * `--clean --if-exists` in one transaction: its commit discards the live data, a failure keeps it.
   * Owners are kept if the role may set them, else the owner of the live database is used.
   */
  restoreInPlace(database: Database, dump: ExactDump): Promise<void>
  /**
   * Like `restoreInPlace`, but also drops everything else in the live database: to undo a restore in place,
   * whose fallback may lack objects of the restored dump. The dump is verified first. A kill between clearing
   * and restoring leaves the database empty; another call completes it. What the dump holds is not judged.
   */
  restoreExactly(database: Database, dump: Dump): Promise<void>
  /**
   * Inserts into the live database in one transaction, in the given order, with foreign keys enforced. A sequence that
   * had given an inserted number where the rows come from, and is not that far here, is advanced past it: otherwise it
   * would give that number again. Deleting the rows does not set it back.
   */
  insertRows(database: Database, batch: readonly TableRows[]): Promise<void>
  /**
   * Deletes from the live database in one transaction, in reverse order. A missing row is not an error.
   * @throws RunbookError `failed`, with nothing deleted, if a row was changed since or rows outside the batch
   *   depend on one
   */
  deleteRows(database: Database, batch: readonly TableRows[]): Promise<void>
  /** Creates missing roles, without login. @returns the roles that were created */
  createRoles(database: ThrowawayDatabase, roles: readonly string[]): Promise<readonly string[]>
}

export type Row = { readonly [column: string]: Json }

import { readFileSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { RunbookError } from '../../kernel/errors.ts'
import { Entries } from './entries.ts'
import { prepareRunTable } from './run-table.ts'
import { applicationId, schema, schemaVersion } from './schema.ts'

export type Connection = Database.Database

/** Before 3.51.3 a WAL reset could lose committed entries (sqlite.org/wal.html, "WAL-reset bug"). */
const soundSqlite = [3, 51, 3] as const

/** How long to wait for another writer. */
export const patienceMilliseconds = 5_000

export function isSound(version: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, required] of soundSqlite.entries()) {
    const part = parts[index] ?? 0
    if (part !== required) return part > required
  }
  return true
}

/**
 * Opens a journal; creates the schema in an empty file.
 * @throws RunbookError `journal` for a journal of a newer or another program, which is left unchanged
 */
export function connect(path: string, mayBeNew: () => void): Connection {
  refuseForeign(path)
  const connection = new Database(path, { fileMustExist: true, timeout: patienceMilliseconds })
  try {
    const version = String(connection.prepare('SELECT sqlite_version()').pluck().get())
    if (!isSound(version)) {
      throw new RunbookError(
        'bug',
        `SQLite ${version} may lose journal entries: ${soundSqlite.join('.')} or newer is required`,
        {
          hint: 'install the dependencies of this program again',
        },
      )
    }
    setPragma(connection, 'journal_mode = WAL', 'journal_mode', 'wal')
    // better-sqlite3 is compiled with SQLITE_DEFAULT_WAL_SYNCHRONOUS=1, which may lose the WAL on a power
    // cut.
    setPragma(connection, 'synchronous = FULL', 'synchronous', 2)
    // On macOS fsync alone leaves data in the drive's cache; elsewhere these have no effect.
    connection.pragma('fullfsync = ON')
    connection.pragma('checkpoint_fullfsync = ON')
    connection.pragma('cell_size_check = ON')
    connection.pragma('trusted_schema = OFF')
    createSchema(connection, mayBeNew)
    prepareRunTable(connection, path, () => new Entries(connection).rows())
    return connection
  } catch (thrown) {
    connection.close()
    throw thrown
  }
}

/**
 * Opens a copy in memory, read-only: to open a file in WAL mode, SQLite creates two more beside it, for which
 * a full disk has no room. A WAL left by a process may hold the newest entries, so then there is no copy.
 * @returns null if a process has the journal open, or one wrote to it while it was copied
 */
export function connectCopy(path: string): Connection | null {
  // An attempt to open it on a full disk may leave an empty WAL.
  const inUse = (): boolean => (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  const state = (): string => {
    const { size, mtimeNs, ino } = statSync(path, { bigint: true })
    return [size, mtimeNs, ino].join(' ')
  }
  if (inUse()) return null
  const before = state()
  const body = readFileSync(path)
  if (inUse() || state() !== before) return null
  // A database in memory cannot have a WAL: 1 is the legacy version for reading and for writing
  // (sqlite.org/fileformat.html, "File format version numbers").
  if (body.length >= 20) body.fill(1, 18, 20)
  const copy = new Database(body, { readonly: true })
  try {
    refuseForeignIn(copy, path)
    copy.pragma('cell_size_check = ON')
    copy.pragma('trusted_schema = OFF')
    return copy
  } catch (thrown) {
    copy.close()
    throw thrown
  }
}

/** Commits without a sync: what is lost by a power cut, and not by the death of this process. */
export function committedSoon<T>(connection: Connection, body: () => T): T {
  // It applies from the next transaction on.
  connection.pragma('synchronous = NORMAL')
  try {
    return body()
  } finally {
    connection.pragma('synchronous = FULL')
  }
}

function setPragma(connection: Connection, setting: string, name: string, value: string | number): void {
  connection.pragma(setting)
  const got = connection.pragma(name, { simple: true })
  if (got !== value)
    throw new RunbookError(
      'bug',
      `the journal would not be durable: cannot set ${name} to ${value}, SQLite keeps ${String(got)}`,
    )
}

/** Checks the file read-only: closing a writable connection would checkpoint the WAL. */
function refuseForeign(path: string): void {
  const view = new Database(path, { readonly: true, fileMustExist: true, timeout: patienceMilliseconds })
  try {
    refuseForeignIn(view, path)
  } finally {
    view.close()
  }
}

function refuseForeignIn(view: Connection, path: string): void {
  // One transaction: another process may be creating it.
  const { version, application, tables } = view.transaction(() => ({
    version: Number(view.pragma('user_version', { simple: true })),
    application: Number(view.pragma('application_id', { simple: true })),
    tables: Number(view.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()),
  }))()
  if (application === 0 && version === 0 && tables === 0) return
  if (application !== applicationId) {
    throw new RunbookError('journal', `${path} is not a journal, or damaged; it was not changed`, {
      hint: 'choose another state folder',
    })
  }
  if (version > schemaVersion) {
    throw new RunbookError(
      'journal',
      `journal ${path} is newer than this program (schema ${version}, supported: ${schemaVersion}); it was not changed`,
      {
        hint: 'use the newest version of this program that wrote to it',
      },
    )
  }
  if (version < schemaVersion) {
    throw new RunbookError('journal', `journal ${path} is damaged: schema ${version} never existed`, {
      hint: 'keep the state folder unchanged, and check the target by hand',
    })
  }
}

function createSchema(connection: Connection, mayBeNew: () => void): void {
  const exists = (): boolean => connection.pragma('user_version', { simple: true }) === schemaVersion
  if (exists()) return
  connection
    .transaction(() => {
      // Another process may have created it meanwhile.
      if (exists()) return
      mayBeNew()
      connection.exec(schema)
    })
    .immediate()
}

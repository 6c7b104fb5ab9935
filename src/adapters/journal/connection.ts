import Database from 'better-sqlite3'
import { RunbookError } from '../../kernel/errors.ts'
import { applicationId, schema, schemaVersion } from './schema.ts'

export type Connection = Database.Database

/** Before 3.51.3 a WAL that was reset could lose committed entries (sqlite.org/wal.html, "WAL-reset bug"). */
const soundSqlite = [3, 51, 3] as const

/** Longer than any honest writer needs. */
const patienceMilliseconds = 5_000

export function isSound(version: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, wanted] of soundSqlite.entries()) {
    const part = parts[index] ?? 0
    if (part !== wanted) return part > wanted
  }
  return true
}

/**
 * Opens a journal, and makes one of an empty file.
 * @throws RunbookError `journal` for one of a newer program or of another one, which is left as it was, to the byte
 */
export function connect(path: string, mayBeNew: () => void): Connection {
  refuseOthers(path)
  const connection = new Database(path, { fileMustExist: true, timeout: patienceMilliseconds })
  try {
    const version = String(connection.prepare('SELECT sqlite_version()').pluck().get())
    if (!isSound(version)) {
      throw new RunbookError(
        'bug',
        `SQLite ${version} can lose entries of a journal; ${soundSqlite.join('.')} is the first that does not`,
        {
          hint: 'install the dependencies of this program again',
        },
      )
    }
    expect(connection, 'journal_mode = WAL', 'journal_mode', 'wal')
    // Not the default: better-sqlite3 is compiled with SQLITE_DEFAULT_WAL_SYNCHRONOUS=1, which keeps nothing of the WAL over a power cut.
    expect(connection, 'synchronous = FULL', 'synchronous', 2)
    // On macOS fsync alone leaves the data in the drive; elsewhere these do nothing.
    connection.pragma('fullfsync = ON')
    connection.pragma('checkpoint_fullfsync = ON')
    connection.pragma('cell_size_check = ON')
    connection.pragma('trusted_schema = OFF')
    makeSchema(connection, mayBeNew)
    return connection
  } catch (thrown) {
    connection.close()
    throw thrown
  }
}

function expect(connection: Connection, setting: string, name: string, wanted: string | number): void {
  connection.pragma(setting)
  const got = connection.pragma(name, { simple: true })
  if (got !== wanted)
    throw new RunbookError(
      'bug',
      `the journal would not be durable: SQLite keeps ${name} at ${String(got)}, not ${wanted}`,
    )
}

/** Read-only: a connection that may write would move the WAL into the file when it closes. */
function refuseOthers(path: string): void {
  const look = new Database(path, { readonly: true, fileMustExist: true, timeout: patienceMilliseconds })
  try {
    const version = Number(look.pragma('user_version', { simple: true }))
    const application = Number(look.pragma('application_id', { simple: true }))
    const tables = Number(look.prepare('SELECT count(*) FROM sqlite_schema').pluck().get())
    if (application === 0 && version === 0 && tables === 0) return
    if (application !== applicationId) {
      throw new RunbookError(
        'journal',
        `${path} is a database of something else, or damaged; it was left as it is`,
        { hint: 'choose another state folder' },
      )
    }
    if (version > schemaVersion) {
      throw new RunbookError(
        'journal',
        `the journal ${path} is newer than this program (schema ${version}, and ${schemaVersion} is known here); it was left as it is`,
        {
          hint: 'use the newest version of this program that worked on it',
        },
      )
    }
    if (version < schemaVersion) {
      throw new RunbookError(
        'journal',
        `the journal ${path} states schema ${version}, which never existed: it is damaged`,
        {
          hint: 'keep the state folder as it is, and look at the target yourself',
        },
      )
    }
  } finally {
    look.close()
  }
}

function makeSchema(connection: Connection, mayBeNew: () => void): void {
  const isThere = (): boolean => connection.pragma('user_version', { simple: true }) === schemaVersion
  if (isThere()) return
  connection
    .transaction(() => {
      // Another process may have been faster.
      if (isThere()) return
      mayBeNew()
      connection.exec(schema)
    })
    .immediate()
}

import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Connection from 'better-sqlite3'
import { headerBytes, readHeader } from './header.ts'

export type { Connection }

/** A reader of a database in rollback mode waits its turn among busy writers; a swap wants to know soon that somebody is there. */
const patience = { reading: 30_000, writing: 5_000 }

/**
 * Always by URI: better-sqlite3 trims plain names, and only a URI can say `immutable`. It takes URIs where SQLITE_USE_URI=1 was in
 * the environment when it was loaded, which is so in the process of work.ts.
 */
function connect(file: string, query: string, readonly: boolean): Connection.Database {
  const connection = new Connection(`${pathToFileURL(file).href}?${query}`, {
    readonly,
    fileMustExist: true,
    timeout: readonly ? patience.reading : patience.writing,
  })
  // What sqlite.org/security.html advises for a file that somebody else may have made.
  connection.pragma('trusted_schema = OFF')
  connection.pragma('cell_size_check = ON')
  return connection
}

/** For writing: an existing file only, never a new one. */
export const writable = (file: string): Connection.Database => connect(file, 'mode=rw', false)

/** Without locks and without logs: for a file that nobody changes. Nothing comes to lie beside it. */
export const immutable = (file: string): Connection.Database => connect(file, 'immutable=1', true)

/**
 * Reads a database that may be live and leaves its folder as it was. A plain read-only connection to a database in WAL mode
 * would create `-wal` and `-shm` and leave them there, so where nobody has it open it is read as immutable; should somebody have
 * begun to write meanwhile, it is read again with locks.
 */
export async function reading<T>(
  file: string,
  use: (connection: Connection.Database) => T | Promise<T>,
): Promise<T> {
  const before = stateOf(file)
  if (before.atRest) {
    const outcome = await using(immutable(file), use).then(
      (value) => ({ value }),
      (thrown: unknown) => ({ thrown }),
    )
    const after = stateOf(file)
    if (after.atRest && after.print === before.print) {
      if ('value' in outcome) return outcome.value
      throw outcome.thrown
    }
  }
  return using(connect(file, 'mode=ro', true), use)
}

export async function using<T>(
  connection: Connection.Database,
  use: (connection: Connection.Database) => T | Promise<T>,
): Promise<T> {
  try {
    return await use(connection)
  } finally {
    connection.close()
  }
}

/**
 * What is committed in WAL mode lies in the log until it is folded in, so without a log, or with an empty one, the file is all there is.
 * Not to be called while this process holds a lock on the file: closing any descriptor of it would free the lock (fcntl(2)).
 */
function stateOf(file: string): { readonly atRest: boolean; readonly print: string } {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true })
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })
  return {
    atRest: headerOf(file)?.journalMode === 'wal' && (log?.size ?? 0) === 0,
    print: `${ino} ${size} ${mtimeNs}`,
  }
}

export function headerOf(file: string): ReturnType<typeof readHeader> {
  const fd = openSync(file, 'r')
  try {
    const start = Buffer.alloc(headerBytes)
    return readHeader(start.subarray(0, readSync(fd, start, 0, headerBytes, 0)))
  } finally {
    closeSync(fd)
  }
}

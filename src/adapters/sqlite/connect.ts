import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Connection from 'better-sqlite3'
import { headerBytes, readHeader } from './header.ts'

export type { Connection }

/**
 * Busy timeouts in ms: a reader in rollback mode waits for busy writers; a swap must report an open
 * connection soon.
 */
const busyTimeout = { reading: 30_000, writing: 5_000 }

/**
 * Opens by URI: better-sqlite3 trims plain names, and `immutable` requires a URI. URIs work only if
 * SQLITE_USE_URI=1 was set when it was loaded, as in the process of work.ts.
 */
function connect(file: string, query: string, readonly: boolean): Connection.Database {
  const connection = new Connection(`${pathToFileURL(file).href}?${query}`, {
    readonly,
    fileMustExist: true,
    timeout: readonly ? busyTimeout.reading : busyTimeout.writing,
  })
  // Recommended by sqlite.org/security.html for untrusted files.
  connection.pragma('trusted_schema = OFF')
  connection.pragma('cell_size_check = ON')
  return connection
}

/** Opens an existing file for writing. */
export const writable = (file: string): Connection.Database => connect(file, 'mode=rw', false)

/** Opens without locks and logs a file that does not change. Creates no file beside it. */
export const immutable = (file: string): Connection.Database => connect(file, 'immutable=1', true)

/**
 * Reads a database that may be live without changing its folder. A read-only connection in WAL mode would
 * create and leave `-wal` and `-shm`, so a database at rest is read as immutable; if it was written
 * meanwhile, again with locks.
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
    if (after.atRest && after.version === before.version) {
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
 * In WAL mode commits are in the log until a checkpoint, so without a log, or with an empty one, the file is
 * complete. Must not be called while this process holds a lock on the file: closing any descriptor frees it
 * (fcntl(2)).
 */
function stateOf(file: string): { readonly atRest: boolean; readonly version: string } {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true })
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })
  return {
    atRest: headerOf(file)?.journalMode === 'wal' && (log?.size ?? 0) === 0,
    version: `${ino} ${size} ${mtimeNs}`,
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

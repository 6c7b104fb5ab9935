import { shellWord } from '../../kernel/shell-quote.ts'
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  statfsSync,
  statSync,
  unlinkSync,
  type Stats,
} from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import type { FilePart, HeldLock, LockHolder, LocksAt, NoLock } from '../../drivers/locks.ts'
import { makeFolders } from './make-folders.ts'
import { isBusy } from '../journal/errors.ts'
import { sharedFileSystem } from '../journal/shared-file-system.ts'

/** Files that this process has locked: the kernel does not separate two locks of one process. */
const ours = new Map<string, { readonly holder: LockHolder; readonly lock: FileLock }>()

function heldByUs(path: string): LockHolder | null {
  const own = ours.get(path)
  return own?.lock.isThere() === true ? own.holder : null
}

/**
 * Kernel record locks on a hidden file beside the thing, by an exclusive transaction of SQLite, which ends
 * with the process. The file names the holder and is removed on release. One that a killed run left is locked
 * by nobody and is used again.
 */
export const fileLocks: LocksAt<FilePart> = {
  async look(part) {
    const path = await lockPath(part)
    if (part.makesFolder === true && factsOf(dirname(path)) === null) return { is: 'free' }
    const inTheWay = await inTheWayAt(path)
    if (inTheWay !== null) return inTheWay
    try {
      return isLocked(path) ? { is: 'held', by: holderIn(path) } : { is: 'free' }
    } catch (thrown) {
      return unavailable(path, thrown)
    }
  },
  async take(part, holder) {
    if (part.makesFolder === true) await makeFolders(dirname(part.path), 0o700).catch(() => undefined)
    const path = await lockPath(part)
    const inTheWay = await inTheWayAt(path)
    if (inTheWay !== null) return inTheWay
    try {
      const lock = tryLock(path, holder, modeFor(part))
      if (lock === null) return { is: 'held', by: holderIn(path) }
      ours.set(path, { holder, lock })
      return {
        is: 'taken',
        lock: {
          check: async () =>
            lock.isThere()
              ? { is: 'held' }
              : { is: 'lost', why: `its lock file ${path} was removed or replaced` },
          async release() {
            if (ours.get(path)?.lock === lock) ours.delete(path)
            lock.release()
          },
        },
      }
    } catch (thrown) {
      return unavailable(path, thrown)
    }
  },
  async evict(part, run) {
    const path = await lockPath(part)
    try {
      // The next run locks a new file; the old holder finds that its own is gone.
      const own = heldByUs(path)
      if (own === null ? isLocked(path) && holderIn(path)?.run === run : own.run === run) unlinkSync(path)
      return true
    } catch (thrown) {
      return codeOf(thrown) === 'ENOENT'
    }
  },
}

/** Beside the file that a link points to, so that two names of one file have one lock. */
async function lockPath({ path }: FilePart): Promise<string> {
  const real = await realpath(path).catch(async () =>
    join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path)),
  )
  return join(dirname(real), `.${basename(real)}.runbook-lock`)
}

/** What is known without touching the lock: no lock is possible here, or this process or another user holds it. */
async function inTheWayAt(path: string): Promise<NoLock | HeldLock | null> {
  const folder = dirname(path)
  try {
    const shared = sharedFileSystem(statfsSync(folder).type)
    if (shared !== null)
      return {
        is: 'unavailable',
        why: `${folder} is on ${shared}, where locks are not reliable`,
        hint: 'make sure that nobody else works on it',
      }
    const facts = factsOf(path)
    if (facts === null) await access(folder, constants.W_OK | constants.X_OK)
    else if (!facts.isFile()) throw new Error(`${path} is not a regular file`)
    else await access(path, constants.R_OK | constants.W_OK)
    const by = heldByUs(path)
    return by === null ? null : { is: 'held', by }
  } catch (thrown) {
    // Another user's lock that we may only read cannot be taken, but its holder is seen.
    return isReadable(path) && isLocked(path) ? { is: 'held', by: holderIn(path) } : unavailable(path, thrown)
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return factsOf(path)?.isFile() === true
  } catch {
    return false
  }
}

const factsOf = (path: string): Stats | null => lstatSync(path, { throwIfNoEntry: false }) ?? null

/** Whoever may write the thing or replace it may also lock it, and everybody may read who holds it. */
function modeFor({ path }: FilePart): number {
  const facts = statSync(path, { throwIfNoEntry: false })
  const folder = statSync(dirname(path), { throwIfNoEntry: false })
  return 0o644 | (((facts?.isFile() === true ? facts.mode : 0) | (folder?.mode ?? 0)) & 0o022)
}

type FileLock = { isThere(): boolean; release(): void }

/** @returns null if it is locked */
function tryLock(path: string, holder: LockHolder, mode: number): FileLock | null {
  for (let left = attempts; left > 0; left -= 1) {
    create(path, mode)
    // Open for as long as the lock: its inode cannot be used again then. Closing it drops the lock.
    const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
    const database = new Database(path, { fileMustExist: true, timeout: busyMilliseconds })
    let closed = false
    const close = (): void => {
      if (closed) return
      closed = true
      database.close()
      closeSync(file)
    }
    const own = fstatSync(file)
    const isThere = (): boolean => {
      const now = factsOf(path)
      return now !== null && now.ino === own.ino && now.dev === own.dev
    }
    try {
      write(database, holder)
    } catch (thrown) {
      close()
      if (isBusy(thrown)) return null
      if (!isDamaged(thrown)) throw thrown
      // A holder was killed while it wrote its name.
      unlinkSync(path)
      continue
    }
    // Its holder may have removed the file while we opened it.
    if (isThere())
      return {
        isThere,
        release() {
          try {
            if (isThere()) unlinkSync(path)
          } catch {
            // In a sticky folder, the file of another user stays.
          }
          close()
        },
      }
    close()
  }
  return null
}

const attempts = 20
/** A look of another process holds a shared lock for a moment. */
const busyMilliseconds = 200

function create(path: string, mode: number): void {
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    closeSync(openSync(path, flags, mode))
    chmodSync(path, mode)
    try {
      chownSync(path, -1, statSync(dirname(path)).gid)
    } catch {
      // Not a member of the folder's group: its members may only read the file.
    }
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
  }
}

/** In this mode the connection keeps its lock after the transaction (sqlite.org/pragma.html#pragma_locking_mode). */
function write(database: Database.Database, holder: LockHolder): void {
  database.pragma('locking_mode = EXCLUSIVE')
  database.pragma('journal_mode = MEMORY')
  database.pragma('synchronous = OFF')
  // Its bytes are searched for the holder, so no earlier one may be left in them.
  database.pragma('secure_delete = ON')
  database.exec('BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS holder (said TEXT); DELETE FROM holder')
  const { run, by, host, since } = holder
  database
    .prepare('INSERT INTO holder VALUES (?)')
    .run(`${marker}${JSON.stringify({ run, by, host, since })}`)
  database.exec('COMMIT')
}

const marker = 'held by '

/** Reads the bytes, since SQLite waits for the lock. Never for a file that this process has locked. */
function holderIn(path: string): LockHolder | null {
  try {
    const said = /held by (\{[^}]*\})/.exec(readFileSync(path, 'utf8'))?.[1]
    return said === undefined ? null : (JSON.parse(said) as LockHolder)
  } catch {
    return null
  }
}

function isLocked(path: string): boolean {
  if (factsOf(path) === null) return false
  const database = new Database(path, { fileMustExist: true, readonly: true, timeout: 0 })
  try {
    database.pragma('schema_version')
    return false
  } catch (thrown) {
    if (isBusy(thrown)) return true
    if (isDamaged(thrown)) return false
    throw thrown
  } finally {
    database.close()
  }
}

const codeOf = (thrown: unknown): string => String((thrown as { readonly code?: unknown } | null)?.code ?? '')
const isDamaged = (thrown: unknown): boolean => /^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(thrown))

const unavailable = (path: string, thrown: unknown): NoLock => ({
  is: 'unavailable',
  why: `cannot lock ${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
  hint: `check: ls -ld ${shellWord(dirname(path))}`,
})

import { chmodSync, chownSync, linkSync, renameSync, statSync, unlinkSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { syncFolderNow } from '../disk/durable.ts'
import { headerOf, writable, type Connection } from './connect.ts'
import { sidecarsOf } from './place.ts'

/** Absolute paths in one folder. */
export type SwapPaths = { readonly live: string; readonly staged: string; readonly aside: string }

/** Where a crash can fall between two system calls, in their order; for tests. */
export type CrashPoint =
  | 'owned'
  | 'folded'
  | 'linked'
  | 'logs-aside'
  | 'locked'
  | 'renamed'
  | 'logs-live'
  | 'synced'

/**
 * `live` stands aside and `staged` is live, by one rename(2). Before it, `aside` is a second name of the live file and nothing more;
 * after it, all is done. Killed anywhere, the same call goes on from there.
 *
 * The old logs must be gone before the new file gets the live name: SQLite would take an old `-wal` for the new file's own, and
 * bring back the old data with an `integrity_check` that says ok. So they are folded in first. The lock that keeps writers out during
 * the rename is taken by the name `aside`, for a connection that closes removes the log of the name by which it opened the file.
 */
export function swapFiles(
  { live, staged, aside }: SwapPaths,
  at: (point: CrashPoint) => void = () => undefined,
): void {
  const [liveFile, stagedFile, asideFile] = [statOf(live), statOf(staged), statOf(aside)]
  if (stagedFile === null && liveFile !== null && asideFile !== null && !same(liveFile, asideFile)) {
    finishSwap({ live, staged, aside })
    return
  }
  if (stagedFile === null)
    throw new RunbookError('failed', `there is no copy ${shellWord(staged)} to swap in`, {
      hint: 'restore beside first',
    })
  if (liveFile === null) {
    throw new RunbookError(
      'failed',
      `the live database ${shellWord(live)} is not there, so it cannot be put aside`,
      { hint: `touch ${shellWord(live)} makes an empty one, with the owner and mode that it should have` },
    )
  }
  if (asideFile !== null && !same(liveFile, asideFile)) {
    throw new RunbookError(
      'failed',
      `${shellWord(aside)} stands aside already, so the live database cannot be put there`,
      { hint: `look what it is: ls -l ${shellWord(aside)}` },
    )
  }
  copyOwnership(staged, stagedFile, liveFile)
  at('owned')
  checkpoint(staged)
  const whole = checkpoint(live)
  at('folded')
  if (asideFile === null) link(live, aside)
  at('linked')
  let lock: Connection.Database | null = null
  try {
    // Of a file that SQLite cannot read the logs cannot be folded in. They may hold what is left of its data, so they go with it.
    if (whole) lock = lockOut(aside, live)
    else moveLogs(live, aside)
    at('logs-aside')
    mustHaveNoLogs(live)
    at('locked')
    renameSync(staged, live)
  } catch (thrown) {
    lock?.close()
    revertUnfinishedSwap(live, aside)
    throw thrown
  }
  at('renamed')
  lock?.close()
  finishSwap({ live, staged, aside }, at)
}

/** What is left to do once the rename has happened. */
function finishSwap(
  { live, staged, aside }: SwapPaths,
  at: (point: CrashPoint) => void = () => undefined,
): void {
  moveLogs(staged, live)
  at('logs-live')
  for (const log of sidecarsOf(aside)) if (statOf(log)?.size === 0) unlinkSync(log)
  syncFolderNow(dirname(live))
  at('synced')
}

/** Takes back what was done before the rename: the second name of the live file, and logs that were moved to it. */
export function revertUnfinishedSwap(live: string, aside: string): void {
  const [liveFile, asideFile] = [statOf(live), statOf(aside)]
  if (liveFile === null || asideFile === null || !same(liveFile, asideFile)) return
  moveLogs(aside, live)
  unlinkSync(aside)
  for (const log of sidecarsOf(aside)) if (statOf(log) !== null) unlinkSync(log)
  syncFolderNow(dirname(live))
}

const same = (one: Stats, other: Stats): boolean => one.ino === other.ino && one.dev === other.dev

function statOf(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null
}

function copyOwnership(staged: string, { uid, gid, mode }: Stats, live: Stats): void {
  try {
    if (uid !== live.uid || gid !== live.gid) chownSync(staged, live.uid, live.gid)
    // chown(2) clears some bits of the mode, so that comes first.
    if (mode !== live.mode || uid !== live.uid) chmodSync(staged, live.mode & 0o7777)
  } catch (cause) {
    throw new RunbookError(
      'failed',
      `cannot give ${shellWord(staged)} the owner of the live file (user ${live.uid}, group ${live.gid})`,
      {
        cause,
        hint: 'run this as that user, or as root',
      },
    )
  }
}

/**
 * Folds the logs into the file and removes them; refuses while another connection is open.
 * @returns false for a file that is damaged so that SQLite cannot open it.
 */
function checkpoint(file: string): boolean {
  // Not even opened: SQLite would throw away the log of a file that it cannot read.
  if ((statOf(file)?.size ?? 0) > 0 && headerOf(file) === null) return false
  let connection: Connection.Database | null = null
  try {
    connection = writable(file)
    connection.pragma('locking_mode = EXCLUSIVE')
    connection.exec('BEGIN EXCLUSIVE; COMMIT')
    const [state] = connection.pragma('wal_checkpoint(TRUNCATE)') as readonly { readonly busy: number }[]
    if (state?.busy !== 0) throw inUse(file)
    return true
  } catch (thrown) {
    const code = String((thrown as { readonly code?: unknown }).code)
    if (code.startsWith('SQLITE_BUSY')) throw inUse(file, thrown)
    if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) return false
    if (thrown instanceof RunbookError) throw thrown
    throw new RunbookError('failed', `cannot fold the logs of ${shellWord(file)} in`, {
      cause: thrown,
      hint: `ls -l ${shellWord(dirname(file))}`,
    })
  } finally {
    connection?.close()
  }
}

/** Keeps every connection of others out until it is closed, and sees that none has left a log since. */
function lockOut(aside: string, live: string): Connection.Database {
  const connection = writable(aside)
  try {
    connection.pragma('locking_mode = EXCLUSIVE')
    connection.exec('BEGIN EXCLUSIVE')
    const log = statOf(`${live}-wal`)
    if (log !== null && log.size > 0) throw inUse(live)
    // Empty logs, and indexes of logs that are gone. Nobody else can have them open while the lock is held.
    for (const rest of sidecarsOf(live)) if (statOf(rest) !== null) unlinkSync(rest)
    return connection
  } catch (thrown) {
    connection.close()
    throw String((thrown as { readonly code?: unknown }).code).startsWith('SQLITE_BUSY')
      ? inUse(live, thrown)
      : thrown
  }
}

const inUse = (file: string, cause?: unknown): RunbookError =>
  new RunbookError('failed', `${shellWord(file)} is in use: another connection is open`, {
    cause,
    hint: `see who has it open: fuser -v ${shellWord(file)}`,
  })

function link(live: string, aside: string): void {
  try {
    linkSync(live, aside)
  } catch (cause) {
    throw new RunbookError(
      'failed',
      `cannot put ${shellWord(live)} aside as ${shellWord(aside)}: a hard link is needed, so that no moment is without a live file`,
      {
        cause,
        hint: `findmnt -T ${shellWord(live)} names its file system; it must have hard links, and we must own the file`,
      },
    )
  }
}

/** By a second name first, so that a crash loses none. */
function moveLogs(from: string, to: string): void {
  const [sources, targets] = [sidecarsOf(from), sidecarsOf(to)]
  for (const [index, source] of sources.entries()) {
    const log = statOf(source)
    const target = targets[index]
    if (log === null || target === undefined) continue
    if (log.size > 0) {
      const there = statOf(target)
      if (there !== null && there.size > 0 && !same(there, log))
        throw new RunbookError(
          'failed',
          `cannot move ${shellWord(source)}: ${shellWord(target)} is there already`,
          {
            hint: `ls -l ${shellWord(dirname(to))}`,
          },
        )
      if (there !== null && !same(there, log)) unlinkSync(target)
      if (there === null || !same(there, log)) linkSync(source, target)
    }
    unlinkSync(source)
  }
}

function mustHaveNoLogs(live: string): void {
  for (const log of sidecarsOf(live)) if (statOf(log) !== null) throw inUse(live)
}

import { chmodSync, chownSync, linkSync, lstatSync, renameSync, unlinkSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { syncFolderNow } from '../disk/durable.ts'
import { isLink } from './database-files.ts'
import { fileVersion } from './file-version.ts'
import { headerOf, writable, type Connection } from './connect.ts'
import { sidecarsOf } from './place.ts'

/** Absolute paths in one folder. */
export type SwapPaths = {
  readonly live: string
  readonly staged: string
  readonly aside: string
  /** The version that `staged` must have when it is renamed; left out, any. */
  readonly version?: string | undefined
}

/** Points between two system calls, in order, where a test can simulate a crash. */
export type CrashPoint =
  | 'owned'
  | 'checkpointed'
  | 'linked'
  | 'logs-aside'
  | 'locked'
  | 'renamed'
  | 'logs-live'
  | 'synced'

/**
 * Makes `staged` the live file and keeps the old one as `aside`, by one rename(2). Until then, `aside` is
 * only a second name of the live file. After a kill at any point, the same call completes the swap.
 *
 * The old logs must be removed before the rename: SQLite would apply an old `-wal` to the new file, and bring
 * back old data that passes `integrity_check`. So they are checkpointed first. The lock that keeps writers
 * out is taken through the name `aside`, since a closing connection removes the log of the name it opened.
 */
export function swapFiles(
  { live, staged, aside, version }: SwapPaths,
  at: (point: CrashPoint) => void = () => undefined,
): void {
  const [liveFile, stagedFile, asideFile] = [statOf(live), statOf(staged), statOf(aside)]
  if (stagedFile === null && liveFile !== null && asideFile !== null && !same(liveFile, asideFile)) {
    finishSwap({ live, staged, aside })
    return
  }
  if (stagedFile === null)
    throw new RunbookError('failed', `cannot swap in ${shellWord(staged)}: no such file`, {
      hint: 'restore a copy beside the live database first',
    })
  if (stagedFile.isSymbolicLink()) throw isLink('swap in', staged)
  if (liveFile === null) {
    throw new RunbookError(
      'failed',
      `cannot swap in ${shellWord(staged)}: live database ${shellWord(live)} not found`,
      { hint: `create an empty one with the right owner and mode: touch ${shellWord(live)}` },
    )
  }
  if (liveFile.isSymbolicLink()) throw isLink('replace', live)
  if (asideFile !== null && !same(liveFile, asideFile)) {
    throw new RunbookError('failed', `cannot keep the live database as ${shellWord(aside)}: already exists`, {
      hint: `check: ls -l ${shellWord(aside)}`,
    })
  }
  mustHaveVersion(staged, version)
  copyOwnership(staged, stagedFile, liveFile)
  at('owned')
  checkpoint(staged)
  const readable = checkpoint(live)
  at('checkpointed')
  if (asideFile === null) link(live, aside)
  at('linked')
  let lock: Connection.Database | null = null
  try {
    // The logs of an unreadable file cannot be checkpointed. They may contain its remaining data, so they
    // move with it.
    if (readable) lock = lockOut(aside, live)
    else moveLogs(live, aside)
    at('logs-aside')
    mustHaveNoLogs(live)
    at('locked')
    mustHaveVersion(staged, version)
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

/** Completes a swap after the rename. */
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

/** Reverts the steps before the rename: removes the second name of the live file, and moves its logs back. */
export function revertUnfinishedSwap(live: string, aside: string): void {
  const [liveFile, asideFile] = [statOf(live), statOf(aside)]
  if (liveFile === null || asideFile === null || !same(liveFile, asideFile)) return
  moveLogs(aside, live)
  unlinkSync(aside)
  for (const log of sidecarsOf(aside)) if (statOf(log) !== null) unlinkSync(log)
  syncFolderNow(dirname(live))
}

/** Gives an earlier live file, with its logs, its name back where nothing has it; link(2) replaces nothing. */
export function nameAgain(live: string, staged: string): void {
  if (statOf(staged)?.isSymbolicLink() === true) throw isLink('name again', staged)
  link(staged, live)
  moveLogs(staged, live)
  unlinkSync(staged)
  syncFolderNow(dirname(live))
}

const same = (one: Stats, other: Stats): boolean => one.ino === other.ino && one.dev === other.dev

function statOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null
}

function copyOwnership(staged: string, { uid, gid, mode }: Stats, live: Stats): void {
  try {
    if (uid !== live.uid || gid !== live.gid) chownSync(staged, live.uid, live.gid)
    // chown(2) clears some mode bits, so it comes first.
    if (mode !== live.mode || uid !== live.uid) chmodSync(staged, live.mode & 0o7777)
  } catch (cause) {
    throw cannot('set the owner of', shellWord(staged), null, {
      code: 'failed',
      cause,
      hint: `run as the owner of the live file (user ${live.uid}, group ${live.gid}), or as root`,
    })
  }
}

/**
 * Checkpoints and removes the logs; fails while another connection is open.
 * @returns false for a file that SQLite cannot open
 */
function checkpoint(file: string): boolean {
  // Do not open it: SQLite would delete the log of a file it cannot read.
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
    throw cannot('checkpoint', shellWord(file), null, {
      code: 'failed',
      cause: thrown,
      hint: `check: ls -l ${shellWord(dirname(file))}`,
    })
  } finally {
    connection?.close()
  }
}

/** Locks other connections out until closed, and checks that none has left a log since. */
function lockOut(aside: string, live: string): Connection.Database {
  const connection = writable(aside)
  try {
    connection.pragma('locking_mode = EXCLUSIVE')
    connection.exec('BEGIN EXCLUSIVE')
    const log = statOf(`${live}-wal`)
    if (log !== null && log.size > 0) throw inUse(live)
    // Empty logs, and indexes of removed logs. No other process can have them open while the lock is held.
    for (const sidecar of sidecarsOf(live)) if (statOf(sidecar) !== null) unlinkSync(sidecar)
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
    hint: `check which process has it open: fuser -v ${shellWord(file)}`,
  })

function link(live: string, aside: string): void {
  try {
    linkSync(live, aside)
  } catch (cause) {
    throw cannot('link', `${shellWord(live)} as ${shellWord(aside)}`, null, {
      code: 'failed',
      cause,
      hint: `the file system must support hard links, and the file must be ours: findmnt -T ${shellWord(live)}`,
    })
  }
}

/** Links each log to its new name before removing the old one, so a crash loses none. */
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
          `cannot move ${shellWord(source)}: ${shellWord(target)} already exists`,
          {
            hint: `check: ls -l ${shellWord(dirname(to))}`,
          },
        )
      if (there !== null && !same(there, log)) unlinkSync(target)
      if (there === null || !same(there, log)) linkSync(source, target)
    }
    unlinkSync(source)
  }
}

function mustHaveVersion(staged: string, version: string | undefined): void {
  if (version === undefined || fileVersion(staged) === version) return
  throw cannot('swap in', shellWord(staged), 'it was changed since it was checked', {
    code: 'verification',
    hint: `find out who wrote to it: fuser -v ${shellWord(staged)}`,
  })
}

function mustHaveNoLogs(live: string): void {
  for (const log of sidecarsOf(live)) if (statOf(log) !== null) throw inUse(live)
}

import { shellWord } from '../../kernel/shell-quote.ts'
import { closeSync, constants, fsyncSync, openSync } from 'node:fs'
import { open, rename, symlink, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { systemCode } from './errors.ts'
import { partialBeside } from './partial-name.ts'
import { statOf } from './place.ts'

/** Makes names created, changed or removed in the folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}

/** As `syncFolder`, synchronously: for writers that must not let others run in between. */
export function syncFolderNow(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Replaces a file so that after a power cut either the old or the new one is complete. An existing file keeps
 * its mode and owner, so that a service can still read its configuration; a new one is private unless `mode`
 * says otherwise.
 *
 * Not write-file-atomic (8.0.0): it ignores short writes, so on a full disk it replaces the file by a
 * truncated one and reports success; it does not sync the folder, and opens a predictable name without
 * O_EXCL.
 */
export async function writeDurably(path: string, body: Uint8Array, mode = 0o600): Promise<void> {
  const old = await statOf(path)
  if (old?.isSymbolicLink()) throw Object.assign(new Error('is a link'), { code: 'ELOOP' })
  if (old !== null && !old.isFile()) {
    throw cannot('write', path, 'not a regular file', {
      code: 'failed',
      hint: `check: ls -ld ${shellWord(path)}`,
    })
  }
  const partial = await partialBeside(path)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    try {
      await file.writeFile(body)
      const made = await file.stat()
      if (old !== null && (made.uid !== old.uid || made.gid !== old.gid)) await file.chown(old.uid, old.gid)
      const wanted = old === null ? mode : old.mode & 0o777
      // Only where it differs: some file systems refuse to change a mode.
      if ((made.mode & 0o777) !== wanted) await file.chmod(wanted)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, path)
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    throw thrown
  }
  await syncFolder(dirname(path))
}

/** As `writeDurably`, for a symbolic link. */
export async function linkDurably(path: string, target: string): Promise<void> {
  const there = await statOf(path)
  if (there !== null && !there.isSymbolicLink()) {
    throw new RunbookError('failed', `cannot link ${path} to ${target}: ${path} is not a symbolic link`, {
      hint: `check: ls -ld ${shellWord(path)}`,
    })
  }
  const partial = await partialBeside(path)
  await symlink(target, partial)
  try {
    await rename(partial, path)
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    throw thrown
  }
  await syncFolder(dirname(path))
}

/**
 * Appends completely or not at all, except on a power cut: a partial append on a full disk is truncated
 * again.
 */
export async function appendDurably(path: string, body: Uint8Array): Promise<void> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  let isNew = (await statOf(path)) === null
  await using file = await open(
    path,
    O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | (isNew ? O_CREAT | O_EXCL : 0),
    0o600,
  ).catch((thrown: unknown) => {
    // Another process has made it since.
    if (!isNew || systemCode(thrown) !== 'EEXIST') throw thrown
    isNew = false
    return open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
  })
  const before = await file.stat()
  if (!before.isFile()) {
    throw cannot('append to', path, 'not a regular file', {
      code: 'failed',
      hint: `check: ls -ld ${shellWord(path)}`,
    })
  }
  try {
    await file.writeFile(body)
    await file.sync()
  } catch (thrown) {
    await truncateTo(file, before.size)
    if (isNew) await unlink(path).catch(() => undefined)
    throw thrown
  }
  if (isNew) await syncFolder(dirname(path))
}

async function truncateTo(file: FileHandle, size: number): Promise<void> {
  try {
    await file.truncate(size)
    await file.sync()
  } catch {
    // The caller reports the first error.
  }
}

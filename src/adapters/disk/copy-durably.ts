import { shellWord } from '../../kernel/shell-quote.ts'
import { constants, type BigIntStats } from 'node:fs'
import { open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { syncFolder } from './durable.ts'
import { hashOf } from './file-hash.ts'
import { statOf } from './place.ts'
import { systemCode } from './errors.ts'

type Owned = { readonly mode: number; readonly uid: number; readonly gid: number }

/** Opens a regular file for reading; does not follow a link or block on a pipe. */
async function openToRead(path: string | Buffer): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw cannot('read', path.toString(), 'not a regular file', {
    code: 'failed',
    hint: `check: ls -ld ${shellWord(String(path))}`,
  })
}

/** @throws RunbookError `failed` if the file was written meanwhile: the bytes read may then be a mixture */
async function unchanging<T>(
  path: string,
  file: FileHandle,
  read: (facts: BigIntStats) => Promise<T>,
): Promise<T> {
  const before = await file.stat({ bigint: true })
  const result = await read(before)
  const after = await file.stat({ bigint: true })
  if (before.size === after.size && before.mtimeNs === after.mtimeNs) return result
  throw new RunbookError('failed', `${path} changed while it was being read`, {
    hint: `find out what writes to it (lsof ${shellWord(path)}), then try again`,
  })
}

export async function hashFile(path: string | Buffer, scope: Scope): Promise<string> {
  await using file = await openToRead(path)
  return await unchanging(path.toString(), file, async () => (await hashOf(file, null, scope)).sha256)
}

/** @param over the replaced file, whose mode and owner are kept; null for a new one */
export async function copyDurably(
  from: string,
  to: string,
  over: Owned | null,
  scope: Scope,
): Promise<string> {
  const partial = `${to}.partial`
  await using source = await openToRead(from)
  const left = await statOf(partial)
  if (left?.isFile() === true) await unlink(partial)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    try {
      const sha256 = await unchanging(from, source, async () => (await hashOf(source, file, scope)).sha256)
      const facts = await source.stat()
      await copyOwnership(file, over ?? facts)
      if (over === null) await file.utimes(facts.atime, facts.mtime)
      await file.sync()
      await rename(partial, to)
      await syncFolder(dirname(to))
      return sha256
    } finally {
      await file.close()
    }
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    throw thrown
  }
}

/**
 * A file system without modes or owners, as on many network drives, refuses even root; the copy succeeds
 * anyway.
 */
async function copyOwnership(file: FileHandle, { mode, uid, gid }: Owned): Promise<void> {
  const made = await file.stat()
  const refused = (whoMay: boolean) => (thrown: unknown) => {
    if (!whoMay || !['EPERM', 'ENOTSUP', 'ENOSYS'].includes(systemCode(thrown) ?? '')) throw thrown
  }
  if (made.uid !== uid || made.gid !== gid)
    await file.chown(uid, gid).catch(refused(process.getuid?.() === 0))
  if ((made.mode & 0o777) !== (mode & 0o777)) await file.chmod(mode & 0o777).catch(refused(true))
}

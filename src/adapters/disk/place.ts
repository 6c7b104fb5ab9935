import { shellWord } from '../../kernel/shell-quote.ts'
import type { BigIntStats, Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { systemCode, fileError } from './errors.ts'

/**
 * Normalizes a path: absolute, without `.`, `..` and a trailing slash (which would follow a link).
 * @throws RunbookError `usage` for a relative path: after a resume from another folder it would be another
 *   file
 */
export function place(path: string): string {
  if (path.includes('\0'))
    throw new RunbookError('usage', `the path ${JSON.stringify(path)} contains a NUL byte`)
  if (!isAbsolute(path)) {
    throw new RunbookError('usage', `the path ${JSON.stringify(path)} is not absolute`, {
      hint: `write ${resolve(path)}`,
    })
  }
  return resolve(path)
}

/** Null if it does not exist. */
export const statOf = (path: string | Buffer): Promise<Stats | null> => unlessMissing(path, lstat(path))

/** As `statOf`, with times to the nanosecond. */
export const exactStatOf = (path: string): Promise<BigIntStats | null> =>
  unlessMissing(path, lstat(path, { bigint: true }))

async function unlessMissing<S>(path: string | Buffer, stats: Promise<S>): Promise<S | null> {
  try {
    return await stats
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) return null
    throw fileError('cannot stat', path.toString(), thrown)
  }
}

/**
 * Checks before a change that no parent folder is a link of an untrusted user. Applies the kernel's rule for
 * sticky folders (proc_sys_fs(5), protected_symlinks) everywhere: a link must belong to us, root or the
 * folder's owner.
 */
export async function trustParents(path: string): Promise<void> {
  const parent = dirname(path)
  if (parent === path) return
  await trustParents(parent)
  const there = await statOf(parent)
  if (there === null || !there.isSymbolicLink()) return
  const folder = await statOf(dirname(parent))
  const us = process.getuid?.() ?? 0
  if ([us, 0, folder?.uid].includes(there.uid)) return
  throw new RunbookError(
    'failed',
    `untrusted link ${parent} to ${await readlink(parent)}: it belongs to user ${there.uid}`,
    {
      hint: `check: namei -l ${shellWord(path)}`,
    },
  )
}

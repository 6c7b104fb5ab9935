import type { Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { systemCode, fileError } from './errors.ts'

/**
 * A path as this program works with it: absolute, without `.`, `..` and a slash at the end (which would follow a link).
 * @throws RunbookError `usage`: a relative path would name another file after a resume from elsewhere.
 */
export function place(path: string): string {
  if (path.includes('\0'))
    throw new RunbookError('usage', `the path ${JSON.stringify(path)} holds a NUL byte`)
  if (!isAbsolute(path)) {
    throw new RunbookError('usage', `the path ${JSON.stringify(path)} is not absolute`, {
      hint: `write ${resolve(path)}`,
    })
  }
  return resolve(path)
}

/** Null where nothing is there. */
export async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) return null
    throw fileError('could not look at', path, thrown)
  }
}

/**
 * Before something is changed: no folder above may be a link that a stranger laid. The kernel's rule for sticky folders
 * (proc_sys_fs(5), protected_symlinks), asked everywhere: a link counts when it is ours, root's, or of the folder's own owner.
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
    `${parent} is a link to ${await readlink(parent)} that belongs to user ${there.uid}, a stranger here`,
    {
      hint: `look: namei -l ${path}`,
    },
  )
}

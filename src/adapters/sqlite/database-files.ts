import { constants } from 'node:fs'
import { lstat, open, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot, type RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { partialOf, sidecarsOf } from './place.ts'

/**
 * Opens a dump once, so that the inspected bytes are the hashed ones. Does not block on a pipe.
 * @throws RunbookError `verification`: missing, unreadable, or not a regular file
 */
export async function openDump(path: string): Promise<FileHandle> {
  const refused = (why: string | null, cause?: unknown): RunbookError =>
    cannot('read', `dump ${shellWord(path)}`, why, {
      code: 'verification',
      cause,
      hint: `check: ls -l ${shellWord(path)}`,
    })
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? refused('no such file') : refused(null, cause)
    },
  )
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw refused('not a regular file')
}

/** Creates a private file; fails if anything exists there, even a link. */
export function createPrivate(path: string): Promise<FileHandle> {
  return open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
}

export async function sync(path: string): Promise<void> {
  await using file = await open(path, constants.O_RDONLY)
  await file.sync()
}

/** A database file with the files that SQLite and an unfinished copy leave beside it. */
export const relatedFiles = (path: string): readonly string[] =>
  [path, partialOf(path)].flatMap((file) => [file, ...sidecarsOf(file)])

/** Removes a database with its related files; the main file first, since its logs alone restore nothing. */
export async function remove(path: string): Promise<void> {
  for (const file of relatedFiles(path)) {
    await unlink(file).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT')
        throw cannot('remove', shellWord(file), null, {
          code: 'failed',
          cause: thrown,
          hint: `check: ls -l ${shellWord(dirname(file))}`,
        })
    })
  }
  await sync(dirname(path))
}

/**
 * A rename moves a link, and not what it points to: a copy that is a link is not the file that was restored.
 * @throws RunbookError `failed`
 */
export async function mustNotBeLink(path: string): Promise<void> {
  if ((await lstat(path).catch(() => null))?.isSymbolicLink() === true) throw isLink('use', path)
}

export const isLink = (doing: string, path: string): RunbookError =>
  cannot(doing, shellWord(path), 'it is a symbolic link, not the file of a database', {
    code: 'failed',
    hint: `check: ls -l ${shellWord(path)}`,
  })

/**
 * Whether a path is a second name of the live file, left by a swap killed before its rename. Null if nothing
 * exists.
 */
export async function isSecondName(path: string, live: string): Promise<boolean | null> {
  const [one, other] = await Promise.all(
    [path, live].map((file) => lstat(file, { bigint: true }).catch(() => null)),
  )
  if (one === null || one === undefined) return null
  return other !== null && other !== undefined && one.ino === other.ino && one.dev === other.dev
}

/** Size of a file in bytes; null if it does not exist. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cannot('stat', shellWord(path), null, {
      code: 'failed',
      cause: thrown,
      hint: `check: ls -ld ${shellWord(dirname(path))}`,
    })
  }
}

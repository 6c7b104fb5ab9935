import { constants } from 'node:fs'
import { open, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { partialOf, sidecarsOf } from './place.ts'

/**
 * Opened once, so that what is hashed is what was looked at. A pipe is not waited for.
 * @throws RunbookError `verification`: missing, unreadable, no regular file.
 */
export async function openDump(path: string): Promise<FileHandle> {
  const refused = (what: string, cause?: unknown): RunbookError =>
    new RunbookError('verification', `the dump ${shellWord(path)} ${what}`, {
      cause,
      hint: `look: ls -l ${shellWord(path)}`,
    })
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? refused('does not exist') : refused('cannot be read', cause)
    },
  )
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw refused('is no regular file')
}

/** A new file of our own; whatever lies there, a link laid for us included, is an error. */
export function createPrivate(path: string): Promise<FileHandle> {
  return open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
}

export async function sync(path: string): Promise<void> {
  await using file = await open(path, constants.O_RDONLY)
  await file.sync()
}

/** A database file with all that SQLite and an unfinished copy leave beside it. */
export const relatedFiles = (path: string): readonly string[] =>
  [path, partialOf(path)].flatMap((file) => [file, ...sidecarsOf(file)])

/** With all its parts. The main file first: its logs alone bring nothing back. */
export async function remove(path: string): Promise<void> {
  for (const file of relatedFiles(path)) {
    await unlink(file).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT')
        throw new RunbookError('failed', `cannot remove ${shellWord(file)}`, {
          cause: thrown,
          hint: `ls -l ${shellWord(dirname(file))}`,
        })
    })
  }
  await sync(dirname(path))
}

/** Bytes of a file, or null where it is not there. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new RunbookError('failed', `cannot look at ${shellWord(path)}`, {
      cause: thrown,
      hint: `ls -ld ${shellWord(dirname(path))}`,
    })
  }
}

import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { privateFolder } from '../disk/private-folder.ts'
import { peeked } from '../unwrap/unwrap.ts'
import type { Bytes } from '../unwrap/unwrapping.ts'
import { createPrivate } from './database-files.ts'
import { headerBytes, readHeader } from './header.ts'

/**
 * Lets SQLite read the database that is in a backup. It follows links to the name of a file, so this one has a name, in a
 * private folder, until it is read.
 */
export async function withUnpacked<T>(
  file: string,
  bytes: AsyncIterable<Uint8Array>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  try {
    await using folder = await privateFolder()
    const path = join(folder.path, 'database')
    {
      await using database = await createPrivate(path)
      await database.writeFile(bytes)
    }
    return await work(path).catch((thrown: unknown) => {
      throw named(thrown, path, file)
    })
  } catch (thrown) {
    throw withoutRoom(file, thrown)
  }
}

/** Refuses a database before the first byte of it is unpacked: its header says how large it is. */
export async function* fitting(file: string, bytes: Bytes): Bytes {
  const { start: head, all } = await peeked(bytes, headerBytes)
  try {
    const needed = readHeader(head)?.bytes ?? 0
    const { bavail, bsize } = await statfs(tmpdir())
    const free = bavail * bsize
    if (needed > free)
      throw new RunbookError(
        'failed',
        `cannot unpack ${shellWord(file)} to read it: it takes ${needed} bytes, and ${tmpdir()} has ${free} free`,
        { hint: moreRoom },
      )
    yield* all
  } finally {
    await all.return()
  }
}

const moreRoom = 'make room there, or set TMPDIR to a folder that has as much free as the database takes'

const withoutRoom = (file: string, thrown: unknown): unknown =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC'
    ? new RunbookError(
        'failed',
        `cannot unpack ${shellWord(file)} to read it: no space is left in ${tmpdir()}`,
        { cause: thrown, hint: moreRoom },
      )
    : thrown

/** Errors name the backup, not what was unpacked from it. */
const named = (thrown: unknown, path: string, file: string): unknown =>
  thrown instanceof RunbookError
    ? new RunbookError(thrown.code, thrown.message.replaceAll(path, file), {
        cause: thrown,
        ...(thrown.hint === undefined ? {} : { hint: thrown.hint.replaceAll(path, file) }),
      })
    : thrown

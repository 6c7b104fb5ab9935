import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import type { ReadExclusively } from '../../drivers/databases.ts'
import { cannot } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { headerBytes } from './header.ts'
import { sidecarsOf } from './place.ts'

/**
 * Size, time of modification in nanoseconds, and change counter of a file. Every commit in rollback mode increments the
 * counter (sqlite.org/fileformat.html, section 1.3.7); in WAL mode commits go to the log, and a checkpoint writes the
 * file. Renaming it changes none of them. Synchronous, since a swap must know it right before it renames.
 * @returns null while a log has content: commits, or the old pages of a transaction that did not end
 * @throws RunbookError `failed` if the file cannot be read
 */
export function fileVersion(file: string): string | null {
  const before = logBytes(file)
  try {
    const found = read(file)
    return before === 0 && logBytes(file) === 0 ? found : null
  } catch (cause) {
    throw cannot('read', shellWord(file), null, {
      code: 'failed',
      cause,
      hint: `check: ls -l ${shellWord(file)}`,
    })
  }
}

function read(file: string): string {
  // A link is another thing than the file that it points to.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const header = Buffer.alloc(headerBytes)
    readSync(handle, header, 0, headerBytes, 0)
    // After the header: what is written between the two shows in size or time.
    const { size, mtimeNs } = fstatSync(handle, { bigint: true })
    return `${size} ${mtimeNs} ${header.readUInt32BE(counterAt)}`
  } finally {
    closeSync(handle)
  }
}

/** @throws RunbookError `verification` where somebody wrote to the file meanwhile */
export async function readUnchanged<T>(file: string, reading: () => Promise<T>): Promise<ReadExclusively<T>> {
  const version = fileVersion(file)
  const value = await reading()
  if (version !== null && fileVersion(file) === version) return { value, version }
  throw cannot('check', shellWord(file), 'somebody writes to it', {
    code: 'verification',
    hint: `find out who does, then start again: fuser -v ${shellWord(file)}`,
  })
}

const counterAt = 24

const logBytes = (file: string): number =>
  sidecarsOf(file)
    .filter((log) => !log.endsWith('-shm'))
    .reduce((sum, log) => sum + (lstatSync(log, { throwIfNoEntry: false })?.size ?? 0), 0)

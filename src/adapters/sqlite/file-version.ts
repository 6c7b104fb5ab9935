import { open } from 'node:fs/promises'
import { cannot } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { sizeOf } from './database-files.ts'
import { headerBytes } from './header.ts'
import { sidecarsOf } from './place.ts'

/**
 * Size, time of modification in nanoseconds, and change counter of a file. Every commit in rollback mode increments the
 * counter (sqlite.org/fileformat.html, section 1.3.7); in WAL mode commits go to the log, and a checkpoint writes the
 * file. Renaming it changes none of them.
 * @returns null while a log has content: commits, or the old pages of a transaction that did not end
 * @throws RunbookError `failed` if the file cannot be read
 */
export async function fileVersion(file: string): Promise<string | null> {
  const before = await logBytes(file)
  const found = await read(file).catch((cause: unknown) => {
    throw cannot('read', shellWord(file), null, {
      code: 'failed',
      cause,
      hint: `check: ls -l ${shellWord(file)}`,
    })
  })
  return before === 0 && (await logBytes(file)) === 0 ? found : null
}

async function read(file: string): Promise<string> {
  await using handle = await open(file)
  const header = Buffer.alloc(headerBytes)
  await handle.read(header, 0, headerBytes, 0)
  // After the header: what is written between the two shows in size or time.
  const { size, mtimeNs } = await handle.stat({ bigint: true })
  return `${size} ${mtimeNs} ${header.readUInt32BE(counterAt)}`
}

const counterAt = 24

async function logBytes(file: string): Promise<number> {
  const sizes = await Promise.all(
    sidecarsOf(file)
      .filter((log) => !log.endsWith('-shm'))
      .map(sizeOf),
  )
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

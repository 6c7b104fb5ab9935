import { link, rename, unlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Copy, Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { runWork } from './run-work.ts'
import { hashOf } from '../disk/file-hash.ts'
import { createPrivate, openDump, remove, sizeOf, sync } from './database-files.ts'
import { headerBytes, readHeader, type Header } from './header.ts'
import { inspect } from './inspect.ts'
import { partialOf } from './place.ts'

/** The bytes of an inspected dump as a database of another name, complete when it has that name. */
export async function restore(dump: Dump, live: string, to: string, scope: Scope): Promise<Copy> {
  await using source = await openDump(dump.file)
  await remove(to)
  const partial = partialOf(to)
  try {
    {
      await using file = await createPrivate(partial)
      const { sha256, bytes } = await hashOf(source, file, scope)
      if (sha256 !== dump.sha256) {
        throw new RunbookError(
          'verification',
          `the dump ${shellWord(dump.file)} is not the one that was inspected: its ${bytes} bytes have the SHA-256 ${sha256}, not ${dump.sha256}`,
          {
            hint: 'find out who writes there, then start again',
          },
        )
      }
      await file.sync()
    }
    // Whether readers and writers wait for each other is a property of the file, and belongs to the live one, not to the backup.
    const [was, is] = [await headerOf(live), await headerOf(partial)]
    if (was !== null && is !== null && was.journalMode !== is.journalMode)
      await runWork({ do: 'journal', file: partial, mode: was.journalMode }, scope)
    await runWork({ do: 'examine', file: partial, thorough: false }, scope)
    scope.signal.throwIfAborted()
    await sync(partial)
    await rename(partial, to)
    await sync(dirname(to))
    return { name: basename(to), bytes: (await sizeOf(to)) ?? 0 }
  } catch (thrown) {
    await remove(to).catch(() => undefined)
    throw fileError(`cannot restore ${shellWord(dump.file)} to ${shellWord(to)}`, to, thrown)
  }
}

/** A failed system call, as an operator must read it. */
function fileError(doing: string, path: string, thrown: unknown): unknown {
  const code = (thrown as { readonly code?: unknown }).code
  if (
    thrown instanceof RunbookError ||
    typeof code !== 'string' ||
    !(thrown instanceof Error && 'errno' in thrown)
  )
    return thrown
  const folder = shellWord(dirname(path))
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)
  return new RunbookError('failed', full ? `${doing}: no space is left there` : doing, {
    cause: thrown,
    hint: full ? `make room: df -h ${folder}` : `look: namei -l ${folder}`,
  })
}

async function headerOf(path: string): Promise<Header | null> {
  if ((await sizeOf(path)) === null) return null
  await using file = await openDump(path)
  const head = Buffer.alloc(headerBytes)
  return readHeader(head.subarray(0, (await file.read(head, 0, headerBytes, 0)).bytesRead))
}

/**
 * A dump made with SQLite's online backup while writers go on; it has its name when it has been inspected and is on the disk.
 * Of whatever can be read: production as it stands after a bad deployment may be empty, and is the fallback all the same.
 */
export async function dumpTo(database: string, to: string, scope: Scope): Promise<Dump> {
  scope.signal.throwIfAborted()
  const there = (cause?: unknown): RunbookError =>
    new RunbookError(
      'failed',
      `cannot dump to ${shellWord(to)}: something of that name is there, and dumps are never written over`,
      { cause, hint: `ls -l ${shellWord(to)}` },
    )
  if ((await sizeOf(to)) !== null) throw there()
  const partial = partialOf(to)
  await remove(partial)
  try {
    await (await createPrivate(partial)).close()
    await runWork({ do: 'copy', file: database, to: partial }, scope, (done, total) =>
      scope.progress({ done, total, unit: 'bytes' }),
    )
    await sync(partial)
    const dump = await inspect(partial, null, scope)
    // Unlike rename(2), link(2) never replaces what came to be there meanwhile.
    await link(partial, to).catch((cause: unknown) => {
      throw there(cause)
    })
    await unlink(partial)
    await sync(dirname(to))
    return { ...dump, file: to }
  } catch (thrown) {
    await remove(partial).catch(() => undefined)
    throw fileError(`cannot dump to ${shellWord(to)}`, to, thrown)
  }
}

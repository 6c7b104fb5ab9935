import { link, rename, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Copy, Dump, ExactDump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { contentIn } from '../unwrap/content.ts'
import { dumpStream } from '../unwrap/dump-stream.ts'
import type { Unwrap } from '../unwrap/unwrap.ts'
import { runWork } from './run-work.ts'
import { hashOf } from '../disk/file-hash.ts'
import { createPrivate, openDump, remove, sizeOf, sync } from './database-files.ts'
import { headerBytes, readHeader, type Header } from './header.ts'
import { readBack } from './inspect.ts'
import { partialOf } from './place.ts'
import { withScripts } from './script-file.ts'

/**
 * Whether the pages of a restored file must be intact. A run's own dump is restored as it is: the database that
 * it holds may have been damaged already.
 */
export type RestoredPages = 'checked' | 'as it is'

/** Copies a dump to a database of another name; it gets the name once it is complete. */
export async function restore(
  dump: Dump,
  { live, to, unwrap }: { readonly live: string; readonly to: string; readonly unwrap: Unwrap },
  pages: RestoredPages,
  scope: Scope,
): Promise<Copy> {
  await using source = await openDump(dump.file)
  await remove(to)
  const partial = partialOf(to)
  try {
    {
      await using file = await createPrivate(partial)
      if (dump.wrapped !== undefined || dump.format === 'plain') await unwrapInto(file, dump, unwrap, scope)
      else await copyInto(file, source, dump, scope)
      await file.sync()
    }
    // The journal mode is stored in the file; the restored one must have that of the live database, not of
    // the backup.
    const [current, restored] = [await headerOf(live), await headerOf(partial)]
    if (current !== null && restored !== null && current.journalMode !== restored.journalMode)
      await setJournalMode(partial, current.journalMode, pages, scope)
    if (pages === 'checked')
      await runWork({ do: 'examine', file: partial, thorough: false, defined: null }, scope)
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

async function copyInto(file: FileHandle, source: FileHandle, dump: Dump, scope: Scope): Promise<void> {
  const { sha256, bytes } = await hashOf(source, file, scope)
  if (sha256 === dump.sha256) return
  throw new RunbookError(
    'verification',
    `checksum mismatch in dump ${shellWord(dump.file)}: expected ${dump.sha256} (as inspected), found ${sha256} (${bytes} bytes)`,
    { hint: `find out what writes to it (lsof ${shellWord(dump.file)}), then start again` },
  )
}

async function unwrapInto(file: FileHandle, dump: Dump, unwrap: Unwrap, scope: Scope): Promise<void> {
  const content = contentIn(withScripts(unwrap), dump, scope)
  const { stream } = dumpStream(dump.file, { expected: dump.sha256, total: dump.bytes, content }, scope)
  await file.writeFile(stream)
}

async function setJournalMode(
  file: string,
  mode: Header['journalMode'],
  pages: RestoredPages,
  scope: Scope,
): Promise<void> {
  try {
    await runWork({ do: 'journal', file, mode }, scope)
  } catch (thrown) {
    // SQLite cannot open a database with damaged pages to change its mode; its data is what counts.
    if (pages === 'checked' || scope.signal.aborted || (await isIntact(file, scope))) throw thrown
  }
}

const isIntact = (file: string, scope: Scope): Promise<boolean> =>
  runWork<boolean>({ do: 'intact', file }, scope)

/** A damaged database is dumped as it is; damage that only the dump has was done by dumping. */
export async function mustBeNoWorse(dump: string, database: string, scope: Scope): Promise<void> {
  if ((await isIntact(dump, scope)) || !(await isIntact(database, scope))) return
  throw new RunbookError(
    'verification',
    `the new dump ${shellWord(dump)} is damaged, and database ${shellWord(database)} is not`,
    { hint: `check the disk: df -h ${shellWord(dirname(dump))}; dmesg | tail` },
  )
}

/** Turns a failed system call into a RunbookError. */
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
    hint: full ? `make room: df -h ${shellWord(folder)}` : `check: namei -l ${shellWord(folder)}`,
  })
}

async function headerOf(path: string): Promise<Header | null> {
  if ((await sizeOf(path)) === null) return null
  await using file = await openDump(path)
  const head = Buffer.alloc(headerBytes)
  return readHeader(head.subarray(0, (await file.read(head, 0, headerBytes, 0)).bytesRead))
}

/**
 * Dumps with SQLite's online backup while writers continue; the file gets its name once it is read back and
 * durable. An empty or damaged database is dumped too: it may be the state after a bad deployment, and is
 * still the fallback.
 */
export async function dumpTo(database: string, to: string, scope: Scope): Promise<ExactDump> {
  scope.signal.throwIfAborted()
  const exists = (cause?: unknown): RunbookError =>
    cannot('dump to', shellWord(to), 'already exists', {
      code: 'failed',
      cause,
      hint: `give a new file name, or check: ls -l ${shellWord(to)}`,
    })
  if ((await sizeOf(to)) !== null) throw exists()
  const partial = partialOf(to)
  await remove(partial)
  try {
    await (await createPrivate(partial)).close()
    await runWork({ do: 'copy', file: database, to: partial }, scope, {
      onBytes: (done, total) => scope.progress({ done, total, unit: 'bytes' }),
    })
    await sync(partial)
    const dump = await readBack(partial, scope)
    await mustBeNoWorse(partial, database, scope)
    // Unlike rename(2), link(2) never replaces an existing file.
    await link(partial, to).catch((cause: unknown) => {
      throw exists(cause)
    })
    await unlink(partial)
    await sync(dirname(to))
    return { ...dump, format: 'sqlite', file: to }
  } catch (thrown) {
    await remove(partial).catch(() => undefined)
    throw fileError(`cannot dump to ${shellWord(to)}`, to, thrown)
  }
}

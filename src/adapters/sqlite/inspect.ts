import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Dump, DumpHeader } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { timeInName } from '../../formats/file-time.ts'
import { runWork } from './run-work.ts'
import { hashOf } from '../disk/file-hash.ts'
import { openDump, sizeOf } from './database-files.ts'
import type { Examination } from './examine.ts'
import { headerBytes, otherKind, readHeader } from './header.ts'

/**
 * Reads a backup of a SQLite database to its last byte. It is opened as immutable, so nothing comes to lie beside it.
 * @throws RunbookError `verification`, with words of their own: missing, empty, no SQLite database, truncated, copied from a live
 *   database without its log, damaged, still being written; and where it is a backup `for` a live database: no table, no row, rows that
 *   point to nothing though those of the live one do not.
 */
export async function inspect(
  path: string,
  live: { readonly for: string } | null,
  scope: Scope,
): Promise<Dump> {
  await using file = await openDump(path)
  const before = await file.stat({ bigint: true })
  mustBeWhole(path, await start(file), Number(before.size))
  await mustHaveNoLogs(path)
  const { sha256, bytes } = await hashOf(file, null, scope)
  const examined = await runWork<Examination>({ do: 'examine', file: path, thorough: true }, scope)
  if (live !== null) await mustBeWorthRestoring(path, examined, live.for, scope)
  const after = await file.stat({ bigint: true })
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw new RunbookError('verification', `the dump ${shellWord(path)} changed while it was being read`, {
      hint: 'wait until the backup job has ended, then start again',
    })
  }
  const takenAt = timeInName(basename(path)) ?? before.mtime
  return {
    file: path,
    bytes,
    sha256,
    engine: 'sqlite',
    format: 'sqlite',
    major: 3,
    database: null,
    takenAt: takenAt.toISOString(),
    provesItself: false,
    tables: examined.filled,
  }
}

/** What stands at its start and in its name. */
export async function header(path: string): Promise<DumpHeader> {
  await using file = await openDump(path)
  const { size, mtime } = await file.stat()
  mustBeWhole(path, await start(file), size)
  return {
    engine: 'sqlite',
    major: 3,
    database: null,
    takenAt: (timeInName(basename(path)) ?? mtime).toISOString(),
  }
}

async function mustBeWorthRestoring(
  path: string,
  { tables, filled, dangling }: Examination,
  live: string,
  scope: Scope,
): Promise<void> {
  const refused = (what: string, hint: string): RunbookError =>
    new RunbookError('verification', `the dump ${shellWord(path)} ${what}`, { hint })
  const another = 'choose another backup, and look at how this one was made'
  if (tables === 0) throw refused('has no table: it is a database, but an empty one', another)
  if (filled.length === 0) throw refused('has tables but not one row: only the schema was saved', another)
  if (dangling === null) return
  // Many applications live with such rows. It is damage only where the live data has none; where that cannot be read, nobody is stopped.
  const usual = await runWork<string | null>({ do: 'dangling', file: live }, scope).catch(() => {
    scope.signal.throwIfAborted()
    return dangling
  })
  if (usual === null)
    throw refused(
      `is not whole: ${dangling}, and the live database has no such rows`,
      `look at them: sqlite3 ${shellWord(path)} "PRAGMA foreign_key_check"`,
    )
}

async function start(file: FileHandle): Promise<Uint8Array> {
  const head = Buffer.alloc(headerBytes)
  return head.subarray(0, (await file.read(head, 0, headerBytes, 0)).bytesRead)
}

/** What the header alone tells. SQLite itself takes an empty file for an empty database. */
export function mustBeWhole(path: string, head: Uint8Array, bytes: number): void {
  const refused = (what: string, hint: string): RunbookError =>
    new RunbookError('verification', `the dump ${shellWord(path)} ${what}`, { hint })
  const fetch = 'choose another backup, or fetch this one again from where it was made'
  if (bytes === 0) throw refused('is empty (0 bytes)', fetch)
  const header = readHeader(head)
  if (header === null) {
    const kind = otherKind(head)
    if (kind === 'gzip' || kind === 'zstd')
      throw refused(
        `is compressed (${kind}), not a SQLite database`,
        `unpack it first: ${kind === 'gzip' ? 'gunzip' : 'unzstd'} --keep ${shellWord(path)}`,
      )
    if (kind === 'encrypted' || path.endsWith('.gpg'))
      throw refused(
        'is encrypted, not a SQLite database',
        `decrypt it first: gpg --output ${shellWord(path.replace(/\.gpg$/, ''))} --decrypt ${shellWord(path)}`,
      )
    if (kind === 'pg_dump')
      throw refused('is a pg_dump archive, not a SQLite database', 'name a target whose database is Postgres')
    throw refused(
      `is no SQLite database${kind === 'text' ? ' but text' : ': it does not begin as one'}`,
      fetch,
    )
  }
  if (bytes % header.pageSize !== 0 || (header.bytes !== null && bytes < header.bytes)) {
    const whole =
      header.bytes === null || bytes >= header.bytes
        ? `not a multiple of its page size ${header.pageSize}`
        : `not the ${header.bytes} that its header states`
    throw refused(`is truncated: it has ${bytes} bytes, ${whole}`, fetch)
  }
}

/** A log beside a backup says that the main file of a live database was copied: what the log holds is missing in it. */
async function mustHaveNoLogs(path: string): Promise<void> {
  for (const ending of ['-wal', '-journal']) {
    const bytes = await sizeOf(`${path}${ending}`)
    if (bytes === null || bytes === 0) continue
    throw new RunbookError(
      'verification',
      `beside the dump ${shellWord(path)} lies a log of ${bytes} bytes, ${shellWord(`${path}${ending}`)}: it was copied from a live database, and what the log holds is missing in it`,
      {
        hint: `choose another backup, and make them with: sqlite3 LIVE ".backup FILE"; or fold the log in, in a copy of both: sqlite3 COPY "PRAGMA wal_checkpoint(TRUNCATE)"`,
      },
    )
  }
}

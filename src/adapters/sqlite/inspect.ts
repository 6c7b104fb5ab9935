import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import type { Dump, DumpHeader } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { emptyHint, emptyInside, failureHint, failureInside } from '../../formats/empty-backup.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { timeInName } from '../../formats/file-time.ts'
import { revealsDamage, wrappingOf } from '../../formats/dumps/wrapping.ts'
import { isSqliteScript } from '../../formats/dumps/sqlite-script.ts'
import { contentIn, startOf, type DumpFile } from '../unwrap/content.ts'
import { dumpStream } from '../unwrap/dump-stream.ts'
import type { Unwrap, Unwrapped } from '../unwrap/unwrap.ts'
import { runWork } from './run-work.ts'
import { hashOf } from '../disk/file-hash.ts'
import { openDump, sizeOf } from './database-files.ts'
import type { Examination } from './examine.ts'
import { headerBytes, otherKind, readHeader } from './header.ts'
import { withScripts } from './script-file.ts'
import { fitting, withUnpacked } from './unpacked.ts'

/**
 * Reads a backup of a live SQLite database completely. It is opened as immutable, so no file is created
 * beside it.
 * @throws RunbookError `verification` if it is missing, empty, not a SQLite database, truncated, copied from
 *   a live database without its log, damaged, still being written, without any table or row, with dangling
 *   foreign keys that the live one does not have, or with collations and functions of its application that
 *   are not `defined`
 */
export async function inspect(
  { unwrap, ...dump }: WrappedFile,
  live: { readonly for: string; readonly defined: readonly string[] },
  scope: Scope,
): Promise<Dump> {
  const { file } = dump
  const examined = (path: string): Promise<Dump> =>
    readComplete(path, scope, async () => {
      const { defined } = live
      const examined = await runWork<Examination>(
        { do: 'examine', file: path, thorough: true, defined },
        scope,
      )
      await mustBeWorthRestoring(file, examined, live.for, scope)
      return examined
    })
  await using opened = await openDump(file)
  const first = await start(opened)
  if (wrappingOf(first) === null && !isSqliteScript(first)) return await examined(file)
  const total = Number((await opened.stat()).size)
  let unwrapped: Pick<Unwrapped, 'wrapped' | 'from'> = { wrapped: [] }
  const { stream, read } = dumpStream(
    file,
    {
      expected: null,
      total,
      content: (raw) =>
        fitting(
          file,
          contentIn(withScripts(unwrap), dump, scope, (found) => {
            unwrapped = found
          })(raw),
        ),
    },
    scope,
  )
  const inside = await withUnpacked(file, stream as AsyncIterable<Uint8Array>, examined)
  const complete = read()
  if (complete === null) throw new Error(`${file} was not read to its end`)
  const { wrapped, from } = unwrapped
  return {
    ...inside,
    ...complete,
    file,
    ...(from === 'script' ? ofScripts : {}),
    ...(wrapped.length === 0 ? {} : { wrapped }),
    ...(dump.decrypt === undefined ? {} : { decrypt: dump.decrypt }),
    // The database that SQL makes, and its copy.
    unpacked: { bytes: inside.bytes * (from === 'script' ? 2 : 1), folder: tmpdir() },
    takenAt: (timeInName(basename(file)) ?? (await opened.stat({ bigint: true })).mtime).toISOString(),
    provesItself: revealsDamage(wrapped),
  }
}

/** The shell does not write them, and applications number their schema with one. */
const ofScripts = {
  format: 'plain',
  leftOut: ['user_version and application_id, which .dump does not write'],
} as const

export type WrappedFile = DumpFile & { readonly unwrap: Unwrap }

/** Reads a dump that a run took, without judging what is in it: it may be the damaged database. */
export function readBack(path: string, scope: Scope): Promise<Dump> {
  return readComplete(path, scope, () =>
    runWork<Pick<Examination, 'filled' | 'rows' | 'objects'>>({ do: 'contents', file: path }, scope),
  )
}

async function readComplete(
  path: string,
  scope: Scope,
  read: () => Promise<Pick<Examination, 'filled' | 'rows' | 'objects'>>,
): Promise<Dump> {
  await using file = await openDump(path)
  const before = await file.stat({ bigint: true })
  mustBeComplete(path, await start(file), Number(before.size))
  await mustHaveNoLogs(path)
  const { sha256, bytes } = await hashOf(file, null, scope)
  const { filled, rows, objects } = await read()
  const after = await file.stat({ bigint: true })
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw new RunbookError('verification', `dump ${shellWord(path)} changed while it was being read`, {
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
    tables: filled,
    contents: {
      rows,
      withoutData: [],
      schemas: [],
      sequences: [],
      extensions: [],
      largeObjects: false,
      objects,
    },
  }
}

/** Reads the header and the name only. */
export async function header({ unwrap, ...dump }: WrappedFile, scope: Scope): Promise<DumpHeader> {
  const { file: path } = dump
  await using file = await openDump(path)
  const first = await start(file)
  if (wrappingOf(first) !== null) {
    const { start: inside, wrapped } = await startOf({ unwrap }, dump, headerBytes, scope)
    const isScript = isSqliteScript(inside)
    const found = readHeader(inside)
    if (!isScript && found === null) mustBeComplete(path, inside, inside.length, true)
    const takenAt = timeInName(basename(path)) ?? (await file.stat({ bigint: true })).mtime
    return {
      engine: 'sqlite',
      format: isScript ? 'plain' : 'sqlite',
      wrapped,
      ...(found === null || found.bytes === null ? {} : { inside: found.bytes }),
      major: 3,
      database: null,
      takenAt: takenAt.toISOString(),
    }
  }
  // As inspect does, which keeps whole milliseconds: a plain stat rounds them.
  const { size, mtime } = await file.stat({ bigint: true })
  const isScript = isSqliteScript(first)
  if (!isScript) mustBeComplete(path, first, Number(size))
  return {
    engine: 'sqlite',
    format: isScript ? 'plain' : 'sqlite',
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
    new RunbookError('verification', `dump ${shellWord(path)} ${what}`, { hint })
  const another = 'choose another backup, and check how this one was made'
  if (tables === 0) throw refused('has no tables: the database is empty', another)
  if (filled.length === 0) throw refused('has tables but no rows: only the schema was saved', another)
  if (dangling === null) return
  // Many applications have such rows. They count as damage only if the live data is readable and has none.
  const inLive = await runWork<string | null>({ do: 'dangling', file: live }, scope).catch(() => {
    scope.signal.throwIfAborted()
    return dangling
  })
  if (inLive === null)
    throw refused(
      `is incomplete: ${dangling}, and the live database has no such rows`,
      `check: sqlite3 ${shellWord(path)} "PRAGMA foreign_key_check"`,
    )
}

async function start(file: FileHandle): Promise<Uint8Array> {
  const head = Buffer.alloc(headerBytes)
  return head.subarray(0, (await file.read(head, 0, headerBytes, 0)).bytesRead)
}

/** Checks size and header. SQLite itself accepts an empty file as an empty database. */
export function mustBeComplete(path: string, head: Uint8Array, bytes: number, isWrapped = false): void {
  const refused = (what: string, hint: string): RunbookError =>
    new RunbookError('verification', `dump ${shellWord(path)} ${what}`, { hint })
  const fetch = 'choose another backup, or fetch this one again from its source'
  if (bytes === 0) {
    const empty = isWrapped ? `is refused: ${emptyInside}` : 'is empty (0 bytes)'
    throw refused(empty, emptyHint)
  }
  const failure = failureInside(head)
  if (failure !== null) throw refused(`is not a SQLite database, but a message: ${failure}`, failureHint)
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
      throw refused('is a pg_dump archive, not a SQLite database', 'choose a target with a Postgres database')
    throw refused(
      `is not a SQLite database${kind === 'text' ? ' (plain text)' : ': no SQLite header'}`,
      fetch,
    )
  }
  if (bytes % header.pageSize !== 0 || (header.bytes !== null && bytes < header.bytes)) {
    const expected =
      header.bytes === null || bytes >= header.bytes
        ? `not a multiple of its page size ${header.pageSize}`
        : `its header states ${header.bytes}`
    throw refused(`is truncated: it has ${bytes} bytes, ${expected}`, fetch)
  }
}

/**
 * A log beside a backup shows that only the main file of a live database was copied, without the data in its
 * log.
 */
async function mustHaveNoLogs(path: string): Promise<void> {
  for (const ending of ['-wal', '-journal']) {
    const bytes = await sizeOf(`${path}${ending}`)
    if (bytes === null || bytes === 0) continue
    throw new RunbookError(
      'verification',
      `dump ${shellWord(path)} was copied from a live database: its log ${shellWord(`${path}${ending}`)} has ${bytes} bytes that are missing in it`,
      {
        hint: `choose another backup, and create backups with: sqlite3 LIVE ".backup FILE"; or checkpoint a copy of both files: sqlite3 COPY "PRAGMA wal_checkpoint(TRUNCATE)"`,
      },
    )
  }
}

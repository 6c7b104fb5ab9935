import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import type { Dump, DumpHeader } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { timeInName } from '../../formats/file-time.ts'
import { revealsDamage, wrappingOf, type Wrapping } from '../../formats/dumps/wrapping.ts'
import { withNamelessFile } from '../disk/nameless-file.ts'
import { contentIn, startOf, type DumpFile } from '../unwrap/content.ts'
import { dumpStream } from '../unwrap/dump-stream.ts'
import type { Unwrap } from '../unwrap/unwrap.ts'
import { runWork } from './run-work.ts'
import { hashOf } from '../disk/file-hash.ts'
import { openDump, sizeOf } from './database-files.ts'
import type { Examination } from './examine.ts'
import { headerBytes, otherKind, readHeader } from './header.ts'

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
  if (wrappingOf(await start(opened)) === null) return examined(file)
  const total = Number((await opened.stat()).size)
  let wrapped: readonly Wrapping[] = []
  const { stream, read } = dumpStream(
    file,
    {
      expected: null,
      total,
      content: contentIn(unwrap, dump, scope, (found) => {
        wrapped = found
      }),
    },
    scope,
  )
  // SQLite follows links to the name of a file, so this one has a name, in a private folder, until it is read.
  const inside = await withNamelessFile(
    stream as AsyncIterable<Uint8Array>,
    (path) =>
      examined(path).catch((thrown: unknown) => {
        throw named(thrown, path, file)
      }),
    false,
  ).catch((thrown: unknown) => {
    throw withoutRoom(file, thrown)
  })
  const complete = read()
  if (complete === null) throw new Error(`${file} was not read to its end`)
  return {
    ...inside,
    ...complete,
    file,
    wrapped,
    ...(dump.decrypt === undefined ? {} : { decrypt: dump.decrypt }),
    takenAt: (timeInName(basename(file)) ?? (await opened.stat()).mtime).toISOString(),
    provesItself: revealsDamage(wrapped),
  }
}

export type WrappedFile = DumpFile & { readonly unwrap: Unwrap }

/** Errors name the backup, not what was unpacked from it. */
const named = (thrown: unknown, path: string, file: string): unknown =>
  thrown instanceof RunbookError
    ? new RunbookError(thrown.code, thrown.message.replaceAll(path, file), {
        cause: thrown,
        ...(thrown.hint === undefined ? {} : { hint: thrown.hint.replaceAll(path, file) }),
      })
    : thrown

const withoutRoom = (file: string, thrown: unknown): unknown =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC'
    ? new RunbookError(
        'failed',
        `cannot unpack ${shellWord(file)} to read it: no space is left in ${tmpdir()}`,
        {
          cause: thrown,
          hint: `make room there, or set TMPDIR to a folder that has as much free as the database takes`,
        },
      )
    : thrown

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
    if (readHeader(inside) === null) mustBeComplete(path, inside, inside.length)
    const takenAt = timeInName(basename(path)) ?? (await file.stat()).mtime
    return {
      engine: 'sqlite',
      format: 'sqlite',
      wrapped,
      major: 3,
      database: null,
      takenAt: takenAt.toISOString(),
    }
  }
  // As inspect does, which keeps whole milliseconds: a plain stat rounds them.
  const { size, mtime } = await file.stat({ bigint: true })
  mustBeComplete(path, first, Number(size))
  return {
    engine: 'sqlite',
    format: 'sqlite',
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
export function mustBeComplete(path: string, head: Uint8Array, bytes: number): void {
  const refused = (what: string, hint: string): RunbookError =>
    new RunbookError('verification', `dump ${shellWord(path)} ${what}`, { hint })
  const fetch = 'choose another backup, or fetch this one again from its source'
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

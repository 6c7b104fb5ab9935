import { ScriptRefused, SqlScript, type SqlPiece } from '../../../formats/dumps/sql-script.ts'
import type { Dump } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Bytes } from '../../unwrap/unwrapping.ts'
import { contentIn, type DumpFile } from '../../unwrap/content.ts'
import { dumpSize, dumpStream } from '../../unwrap/dump-stream.ts'
import { refusal, type ArchiveEntry } from '../archive/table-of-contents.ts'
import type { Server } from '../server/server.ts'
import { PlainDump, PlainRefused, type Role } from './plain-dump.ts'
import { asArchiveEntry } from './plain-entry.ts'

export type Piece = { readonly piece: SqlPiece; readonly role: Role }

/**
 * The pieces of a plain dump, each with what it is to a restore.
 * @throws RunbookError `verification` where it is not a complete plain dump; after the last piece
 */
export async function* piecesOf(
  plain: PlainDump,
  file: string,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Piece, void, undefined> {
  const script = new SqlScript()
  const take = (pieces: readonly SqlPiece[]): readonly Piece[] =>
    pieces.map((piece) => ({ piece, role: plain.take(piece) }))
  try {
    for await (const part of content) yield* take(script.push(part))
    yield* take(script.end())
    plain.end()
  } catch (thrown) {
    throw plainRefusal(file, thrown)
  }
}

export function plainRefusal(file: string, thrown: unknown): unknown {
  if (thrown instanceof PlainRefused)
    return refusal(file, { refused: `it ${thrown.message}`, hint: thrown.hint })
  if (thrown instanceof ScriptRefused)
    return refusal(file, {
      refused: `it ${thrown.message}`,
      hint: 'choose another dump, or dump with pg_dump -Fc',
    })
  return thrown
}

/** Reads all of a plain dump. `of` is the database to take out of one of several. */
export async function readPlain(
  { unwrap }: Pick<Server, 'unwrap'>,
  dump: DumpFile,
  { of, expected }: { readonly of: string; readonly expected: string | null },
  scope: Scope,
): Promise<{ readonly plain: PlainDump; readonly sha256: string; readonly bytes: number }> {
  const plain = new PlainDump(of)
  const total = await dumpSize(dump.file)
  async function* content(raw: Bytes): Bytes {
    const opened = contentIn(unwrap, dump, scope)(raw)
    for await (const { piece } of piecesOf(plain, dump.file, opened)) {
      scope.signal.throwIfAborted()
      if (piece.is === 'rows') yield piece.bytes
    }
  }
  const { stream, read } = dumpStream(dump.file, { expected, total, content }, scope)
  for await (const _ of stream) scope.signal.throwIfAborted()
  const complete = read()
  if (complete === null) throw new Error(`${dump.file} was not read to its end`)
  return { plain, ...complete }
}

/**
 * The objects of the dump that was read last: each question about it would read all of it again. It is known by its
 * digest, which the restore compares with the file before it commits.
 */
let latest: { readonly of: string; readonly entries: readonly ArchiveEntry[] } | null = null

export function remember(sha256: string, of: string, entries: readonly ArchiveEntry[]): void {
  latest = { of: `${sha256} ${of}`, entries }
}

/** The objects of a dump that was inspected, as a table of contents lists them. */
export async function plainEntries(
  server: Server,
  dump: Dump,
  scope: Scope,
): Promise<readonly ArchiveEntry[]> {
  const of = databaseIn(dump)
  if (latest?.of === `${dump.sha256} ${of}`) return latest.entries
  const quiet = { ...scope, progress: () => undefined }
  const { plain } = await readPlain(server, dump, { of, expected: dump.sha256 }, quiet)
  const entries = plain.entries.map(asArchiveEntry)
  remember(dump.sha256, of, entries)
  return entries
}

/** `inspect` has chosen it. */
export const databaseIn = ({ database }: Pick<Dump, 'database'>): string => database ?? ''

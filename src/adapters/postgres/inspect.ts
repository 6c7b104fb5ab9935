import { tmpdir } from 'node:os'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Dump, DumpHeader, Opening } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { isOwnExitCode } from '../process/call.ts'
import type { Ended } from '../process/shell.ts'
import { headerBytes, majorOf, readHeader, type ArchiveHeader } from './archive/archive-header.ts'
import { contentIn, startOf, type DumpStart } from '../unwrap/content.ts'
import { contentsOf, namesOf, tablesIn } from './archive/contents.ts'
import { DataEnd } from './archive/data-end.ts'
import { dumpStream, dumpSize } from '../unwrap/dump-stream.ts'
import { readingOrder } from './members/reading-order.ts'
import { readArchive, refusal, type Archive } from './archive/table-of-contents.ts'
import { inspectPlain, plainHeader } from './plain/inspect-plain.ts'
import { clientError } from './server/psql.ts'
import type { Server } from './server/server.ts'

type Opened = Opening & { readonly file: string }

/**
 * Reads a dump without a server: its table of contents, then all of it, to decode and hash it.
 * Decoding detects every truncation, and every flipped bit in gzip data. It cannot detect one in data without
 * check values (`-Z0`, zstd, lz4) or in the table of contents: only a checksum made with the dump can.
 */
export async function inspect(server: Server, dump: Opened, scope: Scope): Promise<Dump> {
  scope.signal.throwIfAborted()
  const { file } = dump
  const bytes = await dumpSize(file)
  const start = await startOf(server, dump, headerBytes, scope)
  if (start.content === 'script') return inspectPlain(server, dump, start, scope)
  headerOf(file, start)
  const archive = await readArchive(server, dump, scope)
  const { header } = archive
  const subscriptions = namesOf(archive.entries, 'SUBSCRIPTION')
  const { sha256, empty, kept } = await decode(server, dump, { archive, total: bytes }, scope)
  return {
    file,
    bytes,
    sha256,
    engine: 'postgres',
    format: formatOf(start),
    major: majorOf(header.serverVersion),
    database: header.database,
    takenAt: header.takenAt,
    provesItself: header.checked,
    tables: tablesIn(archive.entries),
    contents: contentsOf(archive.entries, empty),
    ...(start.wrapped.length === 0 ? {} : { wrapped: start.wrapped }),
    ...(dump.decrypt === undefined ? {} : { decrypt: dump.decrypt }),
    ...(subscriptions.length === 0 ? {} : { subscriptions }),
    ...(kept === 0 ? {} : { unpacked: { bytes: kept, folder: tmpdir() } }),
  }
}

/** Reads the header only; needs no server. */
export async function header(by: Pick<Server, 'unwrap'>, dump: Opened, scope: Scope): Promise<DumpHeader> {
  for (let wanted = headerBytes; ; wanted *= 16) {
    const start = await startOf(by, dump, wanted, scope)
    if (start.content === 'script') {
      const plain = await plainHeader(dump, start)
      if (plain === null && wanted < longestStart) continue
      if (plain !== null) return plain
    }
    const { serverVersion, database, takenAt } = headerOf(dump.file, start)
    return {
      engine: 'postgres',
      format: formatOf(start),
      major: majorOf(serverVersion),
      database,
      takenAt,
      ...(start.wrapped.length === 0 ? {} : { wrapped: start.wrapped }),
    }
  }
}

const formatOf = ({ from }: DumpStart): Dump['format'] =>
  from === 'folder' ? 'directory' : from === 'tar' ? 'tar' : 'custom'

/** The roles of a server come before its databases. */
const longestStart = 16 * 1024 * 1024

function headerOf(file: string, { start }: DumpStart): ArchiveHeader {
  const header = readHeader(start)
  if ('refused' in header) throw refusal(file, header)
  if (Number.isNaN(majorOf(header.serverVersion)))
    throw refusal(file, { refused: 'no server version in its header', hint: 'choose another dump' })
  return header
}

async function decode(
  server: Server,
  dump: Opened,
  { archive, total }: { readonly archive: Archive; readonly total: number },
  scope: Scope,
): Promise<{ readonly sha256: string; readonly empty: ReadonlySet<number>; readonly kept: number }> {
  const { file } = dump
  const end = new DataEnd(archive)
  let kept = (): number => 0
  const content = contentIn(server.unwrap, dump, scope, (unwrapped) => {
    if (unwrapped.kept !== undefined) kept = unwrapped.kept
  })
  const seen = (part: Uint8Array): void => end.push(part)
  const { stream, read } = dumpStream(
    file,
    { expected: null, total, seen, content, order: readingOrder },
    scope,
  )
  const ended = await server.run(
    { program: 'pg_restore', args: ['--file=/dev/null'], database: null, stdin: stream },
    scope,
  )
  if (ended.exitCode !== 0) throw damaged(file, archive.header, ended)
  const complete = read()
  if (complete === null || end.extra > 0)
    throw refusal(file, {
      refused: 'extra data after the end of the archive',
      hint: 'choose another dump, and check how this one was copied',
    })
  return { sha256: complete.sha256, empty: end.empty, kept: kept() }
}

function damaged(file: string, header: ArchiveHeader, ended: Ended): RunbookError {
  const { message } = clientError(ended)
  if (!isOwnExitCode(ended.exitCode))
    return cannot('read', `dump ${file}`, `pg_restore could not run to its end: ${message}`, {
      code: 'failed',
      hint: 'this says nothing about the dump; check that its container or this machine has memory, then start again',
    })
  if (message.includes('unsupported version')) {
    return new RunbookError(
      'preflight',
      `pg_restore is too old for dump ${file}, made by pg_dump ${header.dumpedBy}`,
      {
        hint: `install postgresql-client-${majorOf(header.dumpedBy)}`,
      },
    )
  }
  return new RunbookError('verification', `dump ${file} is truncated or damaged: ${message}`, {
    hint: 'choose another dump',
  })
}

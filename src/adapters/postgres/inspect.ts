import { open } from 'node:fs/promises'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Dump, DumpHeader } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { isOwnExitCode } from '../process/call.ts'
import type { Ended } from '../process/shell.ts'
import { headerBytes, majorOf, readHeader, type ArchiveHeader } from './archive/archive-header.ts'
import { contentsOf, namesOf, tablesIn } from './archive/contents.ts'
import { DataEnd } from './archive/data-end.ts'
import { dumpStream, dumpSize } from './archive/dump-stream.ts'
import { readArchive, refusal, type Archive } from './archive/table-of-contents.ts'
import { clientError } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * Reads a dump without a server: its table of contents, then all of it, to decode and hash it.
 * Decoding detects every truncation, and every flipped bit in gzip data. It cannot detect one in data without
 * check values (`-Z0`, zstd, lz4) or in the table of contents: only a checksum made with the dump can.
 */
export async function inspect(server: Server, file: string, scope: Scope): Promise<Dump> {
  scope.signal.throwIfAborted()
  const bytes = await dumpSize(file)
  await headerOf(file)
  const archive = await readArchive(file)
  const { header } = archive
  const subscriptions = namesOf(archive.entries, 'SUBSCRIPTION')
  const { sha256, empty } = await decode(server, file, { archive, total: bytes }, scope)
  return {
    file,
    bytes,
    sha256,
    engine: 'postgres',
    format: 'custom',
    major: majorOf(header.serverVersion),
    database: header.database,
    takenAt: header.takenAt,
    provesItself: header.checked,
    tables: tablesIn(archive.entries),
    contents: contentsOf(archive.entries, empty),
    ...(subscriptions.length === 0 ? {} : { subscriptions }),
  }
}

/** Reads the header only; needs no server and no program. */
export async function header(file: string): Promise<DumpHeader> {
  await dumpSize(file)
  const { serverVersion, database, takenAt } = await headerOf(file)
  return { engine: 'postgres', major: majorOf(serverVersion), database, takenAt }
}

async function headerOf(file: string): Promise<ArchiveHeader> {
  await using handle = await open(file, 'r')
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0)
  const header = readHeader(buffer.subarray(0, bytesRead))
  if ('refused' in header) throw refusal(file, header)
  if (Number.isNaN(majorOf(header.serverVersion)))
    throw refusal(file, { refused: 'no server version in its header', hint: 'choose another dump' })
  return header
}

async function decode(
  server: Server,
  file: string,
  { archive, total }: { readonly archive: Archive; readonly total: number },
  scope: Scope,
): Promise<{ readonly sha256: string; readonly empty: ReadonlySet<number> }> {
  const end = new DataEnd(archive)
  const seen = (part: Uint8Array): void => end.push(part)
  const { stream, read } = dumpStream(file, { expected: null, total, seen }, scope)
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
  return { sha256: complete.sha256, empty: end.empty }
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

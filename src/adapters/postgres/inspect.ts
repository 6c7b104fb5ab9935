import { open } from 'node:fs/promises'
import { RunbookError } from '../../kernel/errors.ts'
import type { Dump, DumpHeader } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Ended } from '../process/shell.ts'
import { headerBytes, majorOf, readHeader, type ArchiveHeader } from './archive/archive-header.ts'
import { tablesIn } from './archive/contents.ts'
import { dumpStream, dumpSize } from './archive/dump-stream.ts'
import { clientError } from './server/psql.ts'
import type { Server } from './server/server.ts'

const longestList = 64 * 1024 * 1024

/**
 * Reads a dump twice, without a server: once to list its contents, once to decode and hash all of it.
 * Decoding detects every truncation, and every flipped bit in gzip data. It cannot detect one in data without
 * check values (`-Z0`, zstd, lz4) or in the table of contents: only a checksum made with the dump can.
 */
export async function inspect(server: Server, file: string, scope: Scope): Promise<Dump> {
  scope.signal.throwIfAborted()
  const bytes = await dumpSize(file)
  const header = await headerOf(file)
  const contents = await list(server, file, header, scope)
  const sha256 = await decode(server, file, { header, total: bytes }, scope)
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
    tables: tablesIn(contents),
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
  if ('refused' in header)
    throw new RunbookError('verification', `dump ${file} is refused: ${header.refused}`, {
      hint: header.hint,
    })
  if (Number.isNaN(majorOf(header.serverVersion))) {
    throw new RunbookError('verification', `dump ${file} is refused: no server version in its header`, {
      hint: 'choose another dump',
    })
  }
  return header
}

/** The table of contents is at the front, so pg_restore ends before reading the complete file. */
async function list(server: Server, file: string, header: ArchiveHeader, scope: Scope): Promise<string> {
  const { stream } = dumpStream(file, { expected: null, total: 1 }, { progress: () => undefined })
  const ended = await server.run(
    { program: 'pg_restore', args: ['--list'], database: null, stdin: stream, stdout: { text: longestList } },
    scope,
  )
  if (ended.exitCode !== 0) throw damaged(file, header, ended)
  return ended.stdout
}

async function decode(
  server: Server,
  file: string,
  { header, total }: { readonly header: ArchiveHeader; readonly total: number },
  scope: Scope,
): Promise<string> {
  const { stream, read } = dumpStream(file, { expected: null, total }, scope)
  const ended = await server.run(
    { program: 'pg_restore', args: ['--file=/dev/null'], database: null, stdin: stream },
    scope,
  )
  if (ended.exitCode !== 0) throw damaged(file, header, ended)
  const complete = read()
  if (complete === null) {
    throw new RunbookError(
      'verification',
      `dump ${file} is refused: extra data after the end of the archive`,
      { hint: 'choose another dump' },
    )
  }
  return complete.sha256
}

function damaged(file: string, header: ArchiveHeader, ended: Ended): RunbookError {
  const { message } = clientError(ended)
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

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
 * Reads a dump to its last byte, twice: once for the list of what is in it, once decoding and hashing all of it. No server is touched.
 * Decoding finds every truncation, and every flipped bit in data that gzip holds. It cannot find one in data that carries no check value
 * (`-Z0`, zstd, lz4), nor in the archive's table of contents: against those only a checksum made with the dump helps.
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

/** What stands at its start, and nothing more: no server and no program is needed. */
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
    throw new RunbookError('verification', `the dump ${file} is refused: ${header.refused}`, {
      hint: header.hint,
    })
  if (Number.isNaN(majorOf(header.serverVersion))) {
    throw new RunbookError(
      'verification',
      `the dump ${file} is refused: its header names no server version`,
      { hint: 'choose another dump' },
    )
  }
  return header
}

/** The list stands at the front, so pg_restore ends long before the file does. */
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
  const whole = read()
  if (whole === null) {
    throw new RunbookError(
      'verification',
      `the dump ${file} is refused: something else follows the end of the archive`,
      { hint: 'choose another dump' },
    )
  }
  return whole.sha256
}

function damaged(file: string, header: ArchiveHeader, ended: Ended): RunbookError {
  const { words } = clientError(ended)
  if (words.includes('unsupported version')) {
    return new RunbookError(
      'preflight',
      `the dump ${file} was made by pg_dump ${header.dumpedBy}, and pg_restore here is too old for it`,
      {
        hint: `install postgresql-client-${majorOf(header.dumpedBy)}`,
      },
    )
  }
  return new RunbookError('verification', `the dump ${file} is truncated or damaged: ${words}`, {
    hint: 'choose another dump',
  })
}

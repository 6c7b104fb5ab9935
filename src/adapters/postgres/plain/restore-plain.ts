import { randomBytes } from 'node:crypto'
import type { Dump } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Bytes } from '../../unwrap/unwrapping.ts'
import { contentIn } from '../../unwrap/content.ts'
import { dumpSize, dumpStream } from '../../unwrap/dump-stream.ts'
import { notRead, restoreFailure } from '../restore-failure.ts'
import { connectionTo, identifier } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import { PlainDump, type Role } from './plain-dump.ts'
import { databaseIn, piecesOf } from './read-plain.ts'

export type PlainRestore = {
  /** Who owns what is restored, instead of the owners in the dump. */
  readonly role?: string
  /** Whether the owners in the dump are set. */
  readonly owners: boolean
  /** Ids of entries that are not restored. */
  readonly without: ReadonlySet<number>
}

const smallest = 64 * 1024

/**
 * Runs a plain dump with psql in one transaction, which the first error ends. The transaction is ours and not that of
 * `--single-transaction`, which commits at the end of its input: psql sees that end also when this process dies. COMMIT
 * is sent only once the end mark of the dump was read and the digest of its file is the inspected one.
 */
export async function restorePlain(
  server: Server,
  name: string,
  dump: Dump,
  how: PlainRestore,
  scope: Scope,
): Promise<void> {
  const total = await dumpSize(dump.file)
  const key = (await knowsRestrict(server, name, scope)) ? randomBytes(24).toString('hex') : null
  const content = (raw: Bytes): Bytes => scriptOf(server, dump, how, { key, raw }, scope)
  const { stream, read } = dumpStream(dump.file, { expected: dump.sha256, total, content }, scope)
  const args = [...psqlArguments, `--dbname=${connectionTo(name)}`]
  const ended = await server.run({ program: 'psql', args, database: name, stdin: stream }, scope)
  if (ended.exitCode !== 0) throw restoreFailure(server, 'psql', dump, name, ended)
  if (read() === null) throw notRead('psql', dump)
}

const psqlArguments = [
  '--no-psqlrc',
  '--quiet',
  '--no-password',
  '--set=ON_ERROR_STOP=1',
  '--set=VERBOSITY=verbose',
  // The answers to setval() and lo_create() are of no use.
  '--output=/dev/null',
]

/**
 * Whether psql can refuse backslash commands by itself (`\restrict`, since 13.22, 14.19, 15.14, 16.10, 17.6 and 18, for
 * CVE-2025-8714). None is in what we send; it is a second barrier where our reading and that of psql might differ.
 */
async function knowsRestrict(server: Server, name: string, scope: Scope): Promise<boolean> {
  const args = [
    '--no-psqlrc',
    '--quiet',
    '--no-password',
    '--set=ON_ERROR_STOP=1',
    `--dbname=${connectionTo(name)}`,
  ]
  const quiet = { ...scope, output: () => undefined }
  const stdin = '\\restrict asked\n\\unrestrict asked\n'
  const ended = await server.run({ program: 'psql', args, database: name, stdin }, quiet)
  return ended.exitCode === 0
}

async function* scriptOf(
  server: Server,
  dump: Dump,
  how: PlainRestore,
  { key, raw }: { readonly key: string | null; readonly raw: Bytes },
  scope: Scope,
): Bytes {
  const plain = new PlainDump(databaseIn(dump))
  const opened = contentIn(server.unwrap, dump, scope)(raw)
  let waiting: Buffer[] = [
    Buffer.from(
      (key === null ? '' : `\\restrict ${key}\n`) +
        'SET standard_conforming_strings = on;\nBEGIN;\n' +
        (how.role === undefined ? '' : `SET ROLE ${identifier(how.role)};\n`),
    ),
  ]
  let length = 0
  for await (const { piece, role } of piecesOf(plain, dump.file, opened)) {
    if (!isRestored(role, how) || piece.is === 'comment' || piece.is === 'command') continue
    const bytes = piece.is === 'rows-end' ? Buffer.from('\\.\n') : piece.bytes
    waiting.push(bytes, ...(piece.is === 'statement' ? [Buffer.from('\n')] : []))
    length += bytes.length
    if (length < smallest) continue
    yield Buffer.concat(waiting)
    waiting = []
    length = 0
  }
  if (waiting.length > 0) yield Buffer.concat(waiting)
  yield Buffer.from(`COMMIT;\n${key === null ? '' : `\\unrestrict ${key}\n`}`)
}

function isRestored(role: Role, { owners, without }: PlainRestore): boolean {
  if (role.is === 'left out') return false
  if (role.is === 'setting') return true
  return !without.has(role.entry.id) && (role.is === 'object' || owners)
}

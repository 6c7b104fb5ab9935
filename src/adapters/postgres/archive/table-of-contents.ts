import type { Scope } from '../../../drivers/scope.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import { ArchiveCursor } from './archive-cursor.ts'
import type { Server } from '../server/server.ts'
import { startOf, type DumpFile } from '../../unwrap/content.ts'
import { readHeaderAt, type ArchiveHeader, type ArchiveKind, type NotAnArchive } from './archive-header.ts'

/** One entry of the table of contents. */
export type ArchiveEntry = {
  /** Of its block of data. */
  readonly id: number
  /** Such as `TABLE DATA`, `SCHEMA`, `ACL`. */
  readonly kind: string
  /** The name of the object; of ACLs and comments, with the kind of the object before it. */
  readonly name: string
  /** Null for objects without a schema. */
  readonly schema: string | null
  /** Null for objects without an owner. */
  readonly owner: string | null
  /** The SQL that creates the object; empty for data. */
  readonly definition: string
  /** Where kind and definition are, in bytes from the start. */
  readonly at: { readonly kind: Place; readonly definition: Place }
  /** The SQL that drops the object, which names it in full; empty for what is dropped with another object. */
  readonly dropping: string
  /** Null for the default of the database. */
  readonly tablespace: string | null
  /** Whether a block of data belongs to it. */
  readonly hasData: boolean
  /** Ids of entries that it depends on. */
  readonly needs: readonly number[]
}

/** `end` is exclusive. */
export type Place = { readonly start: number; readonly end: number }

export type Archive = {
  readonly header: ArchiveHeader
  readonly entries: readonly ArchiveEntry[]
  /** Where the data begins, in bytes from the start. */
  readonly dataAt: number
  readonly intSize: number
}

/** Formats whose table of contents is known: pg_dump 9.0 to 18. */
const newestFormat = 16
const firstRead = 1024 * 1024
/** A larger table of contents is taken for a damaged one. */
const longest = 256 * 1024 * 1024

/**
 * Reads header and table of contents of a dump. `pg_restore --list` separates names by blanks, which names may
 * contain; here each name has its length before it.
 * @throws RunbookError `verification` for a file that is missing, of another kind, newer than this program, or
 *   truncated or damaged here
 */
export async function readArchive(
  server: Pick<Server, 'unwrap'>,
  dump: DumpFile,
  scope: Scope,
): Promise<Archive> {
  for (let wanted = firstRead; ; wanted *= 4) {
    const { start, complete } = await startOf(server, dump, wanted, scope)
    const read = archiveIn(start)
    if (read === 'incomplete' && !complete && wanted < longest) continue
    if (read === 'incomplete')
      throw refusal(dump.file, { refused: 'its table of contents is truncated or damaged', hint: another })
    if ('refused' in read) throw refusal(dump.file, read)
    return read
  }
}

const another = 'choose another dump'

export function refusal(file: string, { refused, hint }: NotAnArchive): RunbookError {
  return new RunbookError('verification', `dump ${file} is refused: ${refused}`, { hint })
}

/** @returns `incomplete` where more bytes are needed, or those that are there make no sense */
export function archiveIn(start: Uint8Array): Archive | NotAnArchive | 'incomplete' {
  const cursor = new ArchiveCursor(start)
  try {
    const header = knownHeaderAt(cursor, 'custom')
    if ('refused' in header) return header
    return { header, ...entriesAt(cursor, header), intSize: cursor.intSize }
  } catch (thrown) {
    if (thrown instanceof RangeError) return 'incomplete'
    throw thrown
  }
}

/**
 * As `readHeaderAt`; refuses formats that this program does not know.
 * @throws RangeError past the end
 */
export function knownHeaderAt(cursor: ArchiveCursor, kind: ArchiveKind): ArchiveHeader | NotAnArchive {
  const header = readHeaderAt(cursor, kind)
  return 'refused' in header || header.minor <= newestFormat
    ? header
    : {
        refused: `its format ${header.version}, of pg_dump ${header.dumpedBy}, is newer than this program`,
        hint: 'update runbook, or dump with an older pg_dump',
      }
}

type RawEntry = Pick<ArchiveEntry, 'id' | 'hasData' | 'needs' | 'at'> & {
  readonly [
    field in 'name' | 'kind' | 'definition' | 'dropping' | 'copying' | 'tablespace' | 'schema' | 'owner'
  ]: Buffer | null
}

/**
 * One entry as ReadToc() of pg_backup_archiver.c reads it, up to what is different in each kind of archive.
 * @throws RangeError past the end
 */
export function rawEntryAt(cursor: ArchiveCursor, { minor }: Pick<ArchiveHeader, 'minor'>): RawEntry {
  const placeOf = (bytes: Buffer | null): Place => ({
    start: cursor.at - (bytes?.length ?? 0),
    end: cursor.at,
  })
  const id = cursor.int()
  if (id <= 0) throw new RangeError('invalid entry')
  const hasData = cursor.int() !== 0
  // The oids of its catalog and its object.
  for (let text = 0; text < 2; text++) cursor.bytes()
  const name = cursor.bytes()
  const kind = cursor.bytes()
  const kindAt = placeOf(kind)
  // The section; behind the definition are the statements for dropping and copying.
  cursor.int()
  const definition = cursor.bytes()
  const definitionAt = placeOf(definition)
  const dropping = cursor.bytes()
  const copying = cursor.bytes()
  const schema = cursor.bytes()
  const tablespace = cursor.bytes()
  // Access method, kind of relation.
  if (minor >= 14) cursor.bytes()
  if (minor >= 16) cursor.int()
  const owner = cursor.bytes()
  // Whether it has oids, then the ids of entries that it depends on.
  cursor.bytes()
  const needs: number[] = []
  for (let one = cursor.bytes(); one !== null; one = cursor.bytes()) needs.push(Number(one.toString()))
  const at = { kind: kindAt, definition: definitionAt }
  return { id, hasData, needs, at, name, kind, definition, dropping, copying, tablespace, schema, owner }
}

/** All entries, each with its extra part as _ReadExtraToc() of pg_backup_custom.c reads it. */
function entriesAt(cursor: ArchiveCursor, header: ArchiveHeader): Pick<Archive, 'entries' | 'dataAt'> {
  const count = cursor.int()
  const raw: RawEntry[] = []
  for (let number = 0; number < count; number++) {
    raw.push(rawEntryAt(cursor, header))
    // The position of its data, with its state.
    cursor.skip(1 + header.offsetSize)
  }
  const encoding = raw.find(({ kind }) => kind?.toString() === 'ENCODING')?.definition?.toString('latin1')
  const decode = decoderFor(/client_encoding = '([^']+)'/.exec(encoding ?? '')?.[1] ?? 'UTF8')
  const orNull = (bytes: Buffer | null): string | null =>
    bytes === null || bytes.length === 0 ? null : decode(bytes)
  const entries = raw.map(
    ({ id, hasData, needs, at, name, kind, definition, dropping, tablespace, schema, owner }) => ({
      id,
      hasData,
      needs,
      at,
      name: orNull(name) ?? '',
      kind: orNull(kind) ?? '',
      definition: orNull(definition) ?? '',
      dropping: orNull(dropping) ?? '',
      tablespace: orNull(tablespace),
      schema: orNull(schema),
      owner: orNull(owner),
    }),
  )
  return { entries, dataAt: cursor.at }
}

/** A dump is written in the encoding of its database, or of the client that asked for it. */
export function decoderFor(encoding: string): (bytes: Buffer) => string {
  if (encoding === 'LATIN1') return (bytes) => bytes.toString('latin1')
  const label =
    labels[encoding] ??
    encoding
      .toLowerCase()
      .replace(/^win(?=\d)/, 'windows-')
      .replaceAll('_', '-')
  try {
    const decoder = new TextDecoder(label)
    return (bytes) => decoder.decode(bytes)
  } catch {
    return (bytes) => bytes.toString('utf8')
  }
}

/** Encodings of PostgreSQL (table 23.3 of the manual) whose names differ from those of the WHATWG standard. */
const labels: { readonly [name: string]: string } = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN5: 'iso-8859-9',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  SJIS: 'shift_jis',
  EUC_CN: 'gbk',
}

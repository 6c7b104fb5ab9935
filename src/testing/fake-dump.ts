import { RunbookError } from '../kernel/errors.ts'
import { digestOf, sha256, type Json, type JsonObject } from '../kernel/json.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { timeInName } from '../formats/file-time.ts'
import type { Contents, Database, Dump, DumpFormat, DumpHeader, Fingerprint } from '../drivers/databases.ts'
import type { Wrapping } from '../drivers/wrapping.ts'

/** Tables by name, each a list of rows. */
export type FakeTables = { readonly [table: string]: readonly JsonObject[] }

export type FakeDump = {
  readonly engine: 'postgres' | 'sqlite'
  readonly major: number
  /** As stated in the archive; null where it is not. */
  readonly database: string | null
  /** ISO 8601; null where the archive does not state it: the file name or modification time counts then. */
  readonly takenAt: string | null
  readonly tables: FakeTables
  /** Roles that the restore needs and a server may lack. */
  readonly roles: readonly string[]
  readonly extensions: readonly string[]
  /** Default: the usual one of its engine. */
  readonly format?: DumpFormat
  readonly wrapped?: readonly Wrapping[]
}

const heading = 'pretended dump of a database'

/**
 * The bytes of a fake dump: its data, then its checksum, so that reading detects truncation and a flipped
 * bit.
 */
export function dumpBytes({ tables, ...start }: FakeDump): Uint8Array {
  const body = `${heading}\n${JSON.stringify({ ...start, tables })}\n`
  return new TextEncoder().encode(`${body}${sha256(body)}\n`)
}

/** @throws RunbookError `verification` for a file that is missing, empty, not a dump, truncated or damaged */
export function readDump(file: string, bytes: Uint8Array | undefined): FakeDump {
  const refused = (what: string): RunbookError =>
    new RunbookError('verification', `dump ${shellWord(file)} ${what}`, { hint: 'choose another backup' })
  if (bytes === undefined) throw refused('does not exist')
  if (bytes.length === 0) throw refused('is empty (0 bytes)')
  const text = new TextDecoder().decode(bytes)
  const lines = text.split('\n')
  if (lines[0] !== heading) throw refused('is not a dump')
  if (lines.length !== 4) throw refused('is truncated')
  if (sha256(`${lines[0]}\n${lines[1]}\n`) !== lines[2]) throw refused('is damaged')
  return JSON.parse(lines[1] ?? '') as FakeDump
}

/** Its start, as of a real archive, which says nothing of the rest: the rest may be missing. */
function readStart(file: string, bytes: Uint8Array | undefined): Omit<FakeDump, 'tables'> {
  const text = new TextDecoder().decode(bytes)
  const [, start] = /^[^\n]*\n(\{.*?),"tables":/.exec(text) ?? []
  return start === undefined || !text.startsWith(heading)
    ? readDump(file, bytes)
    : (JSON.parse(`${start}}`) as Omit<FakeDump, 'tables'>)
}

const timeOf = (file: string, takenAt: string | null, modified: Date): string =>
  takenAt ?? (timeInName(file.slice(file.lastIndexOf('/') + 1)) ?? modified).toISOString()

const formatOf = ({ format, engine }: Pick<FakeDump, 'format' | 'engine'>): DumpFormat =>
  format ?? (engine === 'sqlite' ? 'sqlite' : 'custom')

/** What a driver reports of the start of a dump. */
export function headerOf(file: string, bytes: Uint8Array | undefined, modified: Date): DumpHeader {
  const start = readStart(file, bytes)
  const { engine, major, database, takenAt, wrapped } = start
  return {
    engine,
    format: formatOf(start),
    major,
    database,
    takenAt: timeOf(file, takenAt, modified),
    ...(wrapped === undefined ? {} : { wrapped }),
    ...(wrapped === undefined || formatOf(start) !== 'sqlite' ? {} : { inside: bytes?.length ?? 0 }),
  }
}

/** The facts that a driver reports about a dump. */
export function factsOf(file: string, bytes: Uint8Array | undefined, modified: Date): Dump {
  const dump = readDump(file, bytes)
  const { engine, major, database, takenAt, tables, extensions } = dump
  const format = formatOf(dump)
  const counts = Object.entries(tables)
    .map(([table, rows]) => ({ table, rows: rows.length }))
    .toSorted(({ table: one }, { table: other }) => (one < other ? -1 : 1))
  return {
    file,
    bytes: bytes?.length ?? 0,
    sha256: sha256(bytes ?? ''),
    engine,
    format,
    ...(dump.wrapped === undefined ? {} : { wrapped: dump.wrapped }),
    ...(engine === 'sqlite' && (dump.wrapped !== undefined || format === 'plain')
      ? { unpacked: { bytes: bytes?.length ?? 0, folder: '/tmp' } }
      : {}),
    major,
    database,
    takenAt: timeOf(file, takenAt, modified),
    provesItself: true,
    tables: counts.filter(({ rows }) => rows > 0).map(({ table }) => table),
    contents: {
      // An archive of Postgres shows only which tables are empty.
      rows:
        format !== 'custom' && format !== 'directory' && format !== 'tar'
          ? counts
          : counts.filter(({ rows }) => rows === 0),
      withoutData: [],
      schemas: [],
      sequences: [],
      extensions: extensions.toSorted(),
      largeObjects: false,
      objects: [],
    },
  }
}

/** What a database with these tables holds; each is counted. */
export function contentsOf(tables: FakeTables, extensions: Iterable<string>): Contents {
  const counted = printOf(tables, 'rows').tables.map(({ table, rows }) => ({ table, rows, estimated: false }))
  return {
    tables: counted,
    schemas: [],
    sequences: [],
    extensions: [...extensions].sort(),
    largeObjects: 0,
    objects: [],
  }
}

/** All columns of the rows, in a fixed order. */
export function columnsOf(rows: readonly JsonObject[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))].sort()
}

/** A value as a database engine can store it. */
export const cellOf = (value: Json | undefined): string | number | null =>
  value === undefined || value === null
    ? null
    : typeof value === 'string' || typeof value === 'number'
      ? value
      : JSON.stringify(value)

/** A fingerprint that does not depend on the order of rows, as on a real server. */
export function printOf(tables: FakeTables, exact: Database['fingerprint']): Fingerprint {
  const prints = Object.entries(tables)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([table, rows]) => ({
      table,
      rows: rows.length,
      digest: exact === 'rows' ? null : digestOf(rows.map((row) => digestOf(row)).sort()),
    }))
  return { tables: prints, digest: digestOf(prints) }
}

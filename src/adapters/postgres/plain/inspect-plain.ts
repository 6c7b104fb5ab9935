import { basename } from 'node:path'
import { stat } from 'node:fs/promises'
import { timeInName } from '../../../formats/file-time.ts'
import { qualifiedName } from '../../../kernel/qualified-name.ts'
import type { Dump, DumpHeader, DumpFormat, Opening } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { SqlScript } from '../../../formats/dumps/sql-script.ts'
import { revealsDamage } from '../../../formats/dumps/wrapping.ts'
import { majorOf } from '../archive/archive-header.ts'
import type { DumpStart } from '../../unwrap/content.ts'
import { contentsOf, tablesIn } from '../archive/contents.ts'
import { refusal } from '../archive/table-of-contents.ts'
import type { Server } from '../server/server.ts'
import { PlainDump, type PlainFacts } from './plain-dump.ts'
import { asArchiveEntry } from './plain-entry.ts'
import { plainRefusal, readPlain, remember } from './read-plain.ts'

type Opened = Opening & { readonly file: string }

/**
 * Reads a plain dump to its end mark, and counts the rows of each COPY on the way. It is complete then, but nothing in
 * it would show an altered byte: what it holds is proven by restoring it.
 */
export async function inspectPlain(
  server: Server,
  dump: Opened,
  { wrapped }: DumpStart,
  scope: Scope,
): Promise<Dump> {
  const of = dump.of ?? server.database.name
  const { plain, sha256, bytes } = await readPlain(server, dump, { of, expected: null }, scope)
  const entries = plain.entries.map(asArchiveEntry)
  const { subscriptions, facts } = plain
  const leftOut = leftOutOf(plain, of)
  remember(sha256, facts.database ?? '', entries)
  const rows = plain.entries.flatMap(({ kind, schema, name, rows: count }) =>
    kind === 'TABLE DATA' && count !== null
      ? [{ table: qualifiedName(schema ?? 'public', name), rows: count }]
      : [],
  )
  const { provesItself, ...header } = await headerFacts(dump, wrapped, facts)
  return {
    ...header,
    file: dump.file,
    bytes,
    sha256,
    provesItself,
    tables: tablesIn(entries),
    contents: {
      ...contentsOf(entries, new Set()),
      rows: rows.toSorted((one, other) => (one.table < other.table ? -1 : 1)),
    },
    ...(dump.decrypt === undefined ? {} : { decrypt: dump.decrypt }),
    ...(subscriptions.length === 0 ? {} : { subscriptions }),
    ...(leftOut.length === 0 ? {} : { leftOut }),
  }
}

function leftOutOf({ facts, foreign }: PlainDump, of: string): readonly string[] {
  const statements = [...foreign].toSorted()
  return [
    ...(facts.kind === 'cluster'
      ? [
          'roles and tablespaces of the server',
          ...facts.databases.filter((name) => name !== of).map((name) => `database ${name}`),
        ]
      : []),
    ...(statements.length === 0 ? [] : [`statements on the server (${statements.join(', ')})`]),
  ]
}

/** What its first lines say; those of a dump of all databases come after the roles. */
export async function plainHeader(
  dump: Opened,
  { start, wrapped, complete }: DumpStart,
): Promise<DumpHeader | null> {
  const plain = new PlainDump(dump.of ?? '')
  try {
    const script = new SqlScript()
    for (const piece of script.push(start)) plain.take(piece)
    if (complete) for (const piece of script.end()) plain.take(piece)
    const { facts } = plain
    if (facts.serverVersion === null && !complete) return null
    const { provesItself: _, ...header } = await headerFacts(dump, wrapped, facts)
    return header
  } catch (thrown) {
    throw plainRefusal(dump.file, thrown)
  }
}

async function headerFacts(
  { file }: Opened,
  wrapped: DumpStart['wrapped'],
  { kind, serverVersion, database }: PlainFacts,
): Promise<DumpHeader & Pick<Dump, 'provesItself'>> {
  if (serverVersion === null || Number.isNaN(majorOf(serverVersion)))
    throw refusal(file, {
      refused: 'it does not say of which server version it is',
      hint: 'choose another dump',
    })
  const format: DumpFormat = kind === 'cluster' ? 'cluster' : 'plain'
  return {
    engine: 'postgres',
    format,
    major: majorOf(serverVersion),
    database: database === '' ? null : database,
    takenAt: (timeInName(basename(file)) ?? (await stat(file)).mtime).toISOString(),
    provesItself: revealsDamage(wrapped),
    ...(wrapped.length === 0 ? {} : { wrapped }),
  }
}

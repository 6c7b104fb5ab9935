import { sameJson, type Database, type Dump, type Io } from '../../../src/index.ts'
import { sourceOf } from '../../backups/lib/source.ts'
import { countsOrWhy, type RowCounts } from './newer-rows.ts'

/**
 * Dumps a database and signs its manifest. Rows are stated only where the counts before and after the dump
 * agree: a dump has the rows of a moment between them.
 */
export async function dumpSigned(io: Io, database: Database, name: string, file: string): Promise<Dump> {
  const begun = io.clock.now().toISOString()
  const before = await countsOrWhy(io, database, name)
  const dump = await io.databases.dump(database, name, file)
  // Nothing writes to a database that was put aside.
  const after = name === database.name ? await countsOrWhy(io, database, name) : before
  const known = typeof before !== 'string' && typeof after !== 'string' && sameJson(before, after)
  await signDump(io, { database, name, dump, begun, rows: known ? after : null })
  return dump
}

/** Signs the manifest of a dump that was read back. */
export async function signDump(
  io: Io,
  {
    database,
    name,
    dump,
    begun,
    rows,
  }: {
    readonly database: Database
    readonly name: string
    readonly dump: Dump
    readonly begun: string
    readonly rows: RowCounts | null
  },
): Promise<void> {
  const { version, engine } = await io.databases.identity(database, name)
  await io.backups.sign(dump, {
    source: await sourceOf(io, database, name),
    begun,
    tools: [{ tool: `${engine} (server)`, version }, ...(await io.databases.tools(database))],
    rows,
  })
}

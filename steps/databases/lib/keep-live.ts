import {
  cannot,
  failureOf,
  manifestFiles,
  type Database,
  type Dump,
  type Io,
  type Look,
  type Remaining,
} from '../../../src/index.ts'
import { carryOverFrom } from './carry-over.ts'
import { signDump } from './dump-signed.ts'
import { inFileName, type DumpLabel } from './names.ts'
import { countsOrWhy, newerRows, type RowCounts } from './newer-rows.ts'

const label: DumpLabel = 'kept'

/** Beside the fallback, so that it is pruned like one. */
const keptFile = (database: Database, { file }: Pick<Dump, 'file'>, run: string): string =>
  `${file.slice(0, file.lastIndexOf('/'))}/${inFileName(database.name)}-${label}-${run}.${database.engine === 'sqlite' ? 'db' : 'dump'}`

/**
 * Dumps what is live before an undo replaces it by the fallback: it may have rows that were written since the step
 * was done. A dump of an earlier attempt stays, since what is live may be half replaced by now.
 * @param was row counts when it went live; null where they were not taken
 * @throws RunbookError `failed` where it cannot be dumped: then nothing may be replaced
 */
export async function keepLive(
  io: Io,
  database: Database,
  fallback: Pick<Dump, 'file'>,
  was: RowCounts | null,
): Promise<void> {
  const file = keptFile(database, fallback, io.run.id)
  const earlier = await io.files.stat(file)
  if (earlier !== null && earlier.bytes > 0) await signedLater(io, database, file)
  if (earlier !== null || !(await io.databases.exists(database, database.name))) return
  try {
    // SQLite keeps a journal beside a partial dump.
    for (const left of [`${file}.partial-journal`, `${file}.partial`]) await io.files.removeTree(left)
    const begun = io.clock.now().toISOString()
    const rows = await countsOrWhy(io, database, database.name)
    const dump = await io.databases.dump(database, database.name, file)
    io.remains({ kept: `rows of the data in ${file}: ${newerRows(was, rows)}` })
    await signed(io, database, file, async () => ({ dump, begun }))
  } catch (thrown) {
    io.signal.throwIfAborted()
    throw cannot('keep', `what was written to ${database.name} in this run`, failureOf(thrown).message, {
      code: 'failed',
      cause: thrown,
      hint: `make it possible to dump ${database.name} to ${file}, then roll back again; to give those rows up, create that file: touch ${file}`,
    })
  }
}

/** Whether `keepLive` was called in this run: the undo that replaces what is live may have begun. */
export const hasKeptLive = async (
  look: Look,
  database: Database,
  fallback: Pick<Dump, 'file'>,
): Promise<boolean> => (await look.files.stat(keptFile(database, fallback, look.run.id))) !== null

/** A rollback goes on without a manifest. Rows may have been written while it was dumped, so none are stated. */
async function signed(
  io: Io,
  database: Database,
  file: string,
  kept: () => Promise<{ readonly dump: Dump; readonly begun: string }>,
): Promise<void> {
  try {
    await signDump(io, { database, name: database.name, ...(await kept()), rows: null })
  } catch (thrown) {
    io.signal.throwIfAborted()
    io.remains(`${file} has no signed manifest: ${failureOf(thrown).message}`)
  }
}

/** An earlier attempt may have been killed between a complete dump and its manifest. */
async function signedLater(io: Io, database: Database, file: string): Promise<void> {
  if ((await io.files.stat(manifestFiles(file)[0])) !== null) return
  await signed(io, database, file, async () => {
    const dump = await io.databases.readBack(database, file)
    return { dump, begun: dump.takenAt }
  })
}

/** What `keepLive` kept, in one sentence; empty where it kept nothing. An empty file says that a person gave it up. */
export async function keptLive(
  look: Look,
  database: Database,
  fallback: Pick<Dump, 'file'>,
): Promise<readonly Remaining[]> {
  const file = keptFile(database, fallback, look.run.id)
  const kept = await look.files.stat(file)
  if (kept === null || kept.bytes === 0) return []
  const how = (await look.files.stat(manifestFiles(file)[0])) === null ? 'unsigned' : 'signed'
  return [{ kept: `the data that was live in this run is kept as ${file}; ${carryOverFrom(file, how)}` }]
}

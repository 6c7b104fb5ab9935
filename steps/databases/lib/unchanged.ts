import { cannot, type Database, type Io, type Look, type SwapNames } from '../../../src/index.ts'
import { differencesOf, rowsIn, type RowCounts } from './newer-rows.ts'

/** Which database a copy was when it was checked, as in `Identity.instance`, and its version, as `readExclusively` returned it. */
export type Unchanged = { readonly instance: string; readonly version: string }

/**
 * For a step that makes a copy live: it must be the one that was checked, and nobody may have written to it since.
 * @throws RunbookError `verification`
 */
export async function requireUnchanged(
  look: Pick<Look, 'databases' | 'run'>,
  database: Database,
  name: string,
  { instance, version }: Unchanged,
): Promise<void> {
  const why = await changeOf(look, database, name, { instance, version })
  if (why === null) return
  throw cannot('make', `${name} the live ${database.name}`, `since it was checked, ${why}`, {
    code: 'verification',
    hint: `find out who did; a rollback (\`runbook rollback ${look.run.id}\` where it has not begun) drops the copy of this run where it still has its name, and leaves anything else; a new run restores and checks another`,
  })
}

async function changeOf(
  { databases }: Pick<Look, 'databases'>,
  database: Database,
  name: string,
  was: Unchanged,
): Promise<string | null> {
  if (!(await databases.exists(database, name))) return `it has gone from beside ${database.name}`
  const listing = await databases.listing(database, name)
  const instance = listing?.instance ?? (await databases.identity(database, name)).instance
  if (instance !== was.instance) return 'somebody replaced it'
  if (listing !== null)
    return !listing.open && listing.version === was.version
      ? null
      : 'somebody opened it to sessions, so what was written to it is unknown'
  return (await databases.fileVersion(database, name)) === was.version ? null : 'somebody wrote to it'
}

/** Missing in journals of earlier versions, which checked a copy that everybody could change. */
type MaybeUnchanged = { readonly name: string; readonly unchanged?: Unchanged }

/** Before an exchange. A copy without a proof is counted again by `provenVersion`. @throws as `requireUnchanged` does */
export async function requireProven(
  look: Pick<Look, 'databases' | 'run'>,
  database: Database,
  { name, unchanged }: MaybeUnchanged,
): Promise<void> {
  if (unchanged !== undefined) await requireUnchanged(look, database, name, unchanged)
}

/**
 * For the exchange, which compares a last time. A copy that an earlier version checked, which kept nobody out, is closed now
 * and its rows are counted again; what that does not show, `doubtOn` says.
 * @throws RunbookError `verification` where somebody changed it, or its rows are not those that were counted
 */
export async function provenVersion(
  io: Io,
  database: Database,
  { name, tables, unchanged }: MaybeUnchanged & { readonly tables: RowCounts },
): Promise<Pick<SwapNames, 'version'>> {
  if (unchanged !== undefined) {
    await requireUnchanged(io, database, name, unchanged)
    return { version: unchanged.version }
  }
  const { value, version } = await io.databases.readExclusively(database, name, (copy) =>
    copy.fingerprint({ ...database, fingerprint: 'rows' }, name),
  )
  const differences = differencesOf(tables, rowsIn(value))
  if (differences.length > 0)
    throw cannot(
      'make',
      `${name} the live ${database.name}`,
      `since it was checked, somebody wrote to it: ${differences.slice(0, 20).join(', ')}`,
      {
        code: 'verification',
        hint: 'find out who did; a new run restores and checks another copy',
      },
    )
  return { version }
}

/** Where `provenVersion` cannot know it, in one sentence for the end of the run. */
export const doubtOn = ({ name, unchanged }: MaybeUnchanged, database: Database): readonly string[] =>
  unchanged !== undefined
    ? []
    : [
        `an earlier version checked ${name} and kept nobody out: every table had as many rows when it went live, but whether somebody changed rows in between is unknown; check the data of ${database.name}`,
      ]

/** Of a copy that an interrupted exchange has made live already. */
export const versionOf = ({ unchanged }: MaybeUnchanged): Pick<SwapNames, 'version'> =>
  unchanged === undefined ? {} : { version: unchanged.version }

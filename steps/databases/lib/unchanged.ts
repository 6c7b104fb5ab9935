import { cannot, type Database, type Look, type SwapNames } from '../../../src/index.ts'

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
    hint: `find out who did; a rollback (\`runbook rollback ${look.run.id}\` where it has not begun) drops the copy, and a new run restores and checks another`,
  })
}

async function changeOf(
  { databases }: Pick<Look, 'databases'>,
  database: Database,
  name: string,
  was: Unchanged,
): Promise<string | null> {
  if (!(await databases.exists(database, name))) return 'somebody removed it'
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

/** @throws RunbookError `verification` as `requireUnchanged` does */
export async function requireProven(
  look: Pick<Look, 'databases' | 'run' | 'note'>,
  database: Database,
  { name, unchanged }: MaybeUnchanged,
): Promise<void> {
  if (unchanged === undefined)
    look.note(
      `whether anybody wrote to ${name} since it was checked is unknown: the run began with an earlier version`,
    )
  else await requireUnchanged(look, database, name, unchanged)
}

/** For the exchange, which compares a last time. */
export const versionOf = ({ unchanged }: MaybeUnchanged): Pick<SwapNames, 'version'> =>
  unchanged === undefined ? {} : { version: unchanged.version }

import { cannot, RunbookError, type Database, type Look } from '../../../src/index.ts'

/**
 * For an undo that renames or drops a database: it must be one that this run found or made. A missing one
 * passes.
 * @param instances of those, as in `Identity.instance`
 * @throws RunbookError `in-doubt` for another one, such as that of a run on another machine
 */
export async function mustBeOurs(
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
  instances: readonly string[],
): Promise<void> {
  if (!(await look.databases.exists(database, name))) return
  if (instances.includes(await instanceOf(look, database, name))) return
  throw new RunbookError(
    'in-doubt',
    `the database ${name} is not the one that this run put there: somebody else replaced it`,
    { hint: `find out who did, and which data ${database.name} should have; nothing was renamed or dropped` },
  )
}

/** Which database has a name now, also where it is closed and answers no session. */
export const instanceOf = async (
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
): Promise<string> =>
  ((await look.databases.listing(database, name)) ?? (await look.databases.identity(database, name))).instance

/**
 * For a step that replaces a live database: a run that was interrupted may find that of another run in its place.
 * @throws RunbookError `failed` if it is not the one that the operator was shown
 */
export function requireSameLive({ name }: Database, now: string, shown: string | undefined): void {
  if (shown === undefined || now === shown) return
  throw cannot('replace', `the live ${name}`, 'since it was compared, somebody else replaced it', {
    code: 'failed',
    hint: `find out who did, and which data ${name} should have; then start a new run, which compares and asks again`,
  })
}

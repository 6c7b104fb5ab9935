import { cannot, RunbookError, type Database, type Look, type UndoGuard } from '../../../src/index.ts'

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

/**
 * For an undo that replaces the data of the live database: it must still be the database into which this run put it.
 * @param instance undefined where it is not known, as in journals of earlier versions: then any passes
 */
export const mustBeLive = (database: Database, instance: string | undefined): UndoGuard => ({
  of: [{ database, name: database.name }],
  check: async (look) => {
    // An undo in place that was interrupted has left a file beside it, and the file is another one already.
    if (instance === undefined || (await look.databases.leftover(database, database.name))) return
    await mustBeOurs(look, database, database.name, [instance])
  },
})

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

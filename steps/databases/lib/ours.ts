import { RunbookError, type Database, type Look } from '../../../src/index.ts'

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
  // A closed database answers no session.
  const { instance } =
    (await look.databases.listing(database, name)) ?? (await look.databases.identity(database, name))
  if (instances.includes(instance)) return
  throw new RunbookError(
    'in-doubt',
    `the database ${name} is not the one that this run put there: somebody else replaced it`,
    { hint: `find out who did, and which data ${database.name} should have; nothing was renamed or dropped` },
  )
}

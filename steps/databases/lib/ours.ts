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

/** A database and its tables at one moment. Missing in older journals, and null where unknown: then any passes. */
export type Present = {
  readonly instance?: string | null | undefined
  readonly tableIds?: readonly string[] | null | undefined
}

export const presentOf = async (
  look: Pick<Look, 'databases'>,
  database: Database,
): Promise<{ readonly instance: string; readonly tableIds: readonly string[] | null }> => ({
  instance: (await look.databases.identity(database)).instance,
  tableIds: await look.databases.tableIds(database),
})

/**
 * For an undo that replaces the data of the live database: it must still be the database into which this run put it, and
 * nobody may have restored into it since.
 * @param isUndoing whether an undo of this run has begun already, which creates tables again too
 */
export const mustBeLive = (
  database: Database,
  { instance, tableIds }: Present,
  isUndoing: (look: Look) => Promise<boolean> = async () => false,
): UndoGuard => ({
  of: [{ database, name: database.name }],
  check: async (look) => {
    // An undo in place that was interrupted has left a file beside it, and the file is another one already.
    if (instance == null || (await look.databases.leftover(database, database.name))) return
    await mustBeOurs(look, database, database.name, [instance])
    if (!(await areTablesOfOthers(look, database, tableIds)) || (await isUndoing(look))) return
    throw new RunbookError(
      'in-doubt',
      `most tables of ${database.name} are not those that this run left there: somebody else restored into it`,
      {
        hint: `find out who did, and which data ${database.name} should have; nothing was replaced`,
      },
    )
  },
})

/**
 * Whether more than half of the tables were created again or dropped. A restore in place does that to all tables of its
 * dump, and an application, which may migrate itself when it starts, to single ones.
 */
async function areTablesOfOthers(
  look: Pick<Look, 'databases'>,
  database: Database,
  were: readonly string[] | null | undefined,
): Promise<boolean> {
  if (were == null) return false
  const now = await look.databases.tableIds(database)
  // An undo of this run that was interrupted leaves it empty, and there is nothing in it to lose.
  if (now === null || now.length === 0) return false
  const left = new Set(now)
  return were.filter((id) => !left.has(id)).length * 2 > were.length
}

/** Which database has a name now, also where it is closed and answers no session. */
export const instanceOf = async (
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
): Promise<string> =>
  ((await look.databases.listing(database, name)) ?? (await look.databases.identity(database, name))).instance

/**
 * As {@link requireSameLive}, by its tables too: a restore in place keeps the database.
 * @throws RunbookError `failed` if it is not the one that the operator was shown
 */
export async function requireLiveAsShown(
  look: Pick<Look, 'databases'>,
  database: Database,
  { instance, tableIds }: Present,
): Promise<void> {
  if (instance == null) return
  requireSameLive(database, (await look.databases.identity(database)).instance, instance)
  if (await areTablesOfOthers(look, database, tableIds)) throw otherLive(database)
}

/**
 * For a step that replaces a live database: a run that was interrupted may find that of another run in its place.
 * @throws RunbookError `failed` if it is not the one that the operator was shown
 */
export function requireSameLive(
  { name }: Pick<Database, 'name'>,
  now: string,
  shown: string | undefined,
): void {
  if (shown !== undefined && now !== shown) throw otherLive({ name })
}

const otherLive = ({ name }: Pick<Database, 'name'>): RunbookError =>
  cannot('replace', `the live ${name}`, 'since it was compared, somebody else replaced it', {
    code: 'failed',
    hint: `find out who did, and which data ${name} should have; then start a new run, which compares and asks again`,
  })

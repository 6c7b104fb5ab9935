import { cannot, RunbookError, type Database, type Look, type Revision } from '../../../src/index.ts'

/** Asks whether alembic's table exists. */
export const levelTable = (engine: Database['engine']): string =>
  ({
    sqlite: "select name from sqlite_master where type = 'table' and name = 'alembic_version'",
    postgres: "select tablename from pg_tables where tablename = 'alembic_version'",
  })[engine]

/**
 * The revision in the database; null where no migration was ever applied.
 * @throws RunbookError `preflight` where there are several
 */
export async function revisionOf(look: Look, database: Database): Promise<string | null> {
  if ((await look.databases.query(database, database.name, levelTable(database.engine))).length === 0)
    return null
  const rows = await look.databases.query(database, database.name, 'select version_num from alembic_version')
  if (rows.length < 2) return rows[0] === undefined ? null : String(rows[0]['version_num'])
  throw severalRevisions(
    database.name,
    rows.map((row) => String(row['version_num'])),
  )
}

export const severalRevisions = (database: string, revisions: readonly string[]): RunbookError =>
  new RunbookError(
    'preflight',
    `${database} is at ${revisions.length} revisions at once: ${revisions.join(', ')}`,
    { hint: 'choose or merge the branches by hand: alembic heads' },
  )

/**
 * A way down from the present revision: `undone` lists the migrations that a downgrade undoes, newest
 * first.
 */
export type DowngradePath = { readonly to: string; readonly undone: readonly Revision[] }

/**
 * The way down through a linear history.
 * @param to a revision or at least the first 4 characters of one, `base`, or null for one step
 * @throws RunbookError `verification` where the image does not contain the present revision; `usage` where
 * the wanted one is not below it, is unknown or ambiguous, or a merge is crossed; `preflight` where it is
 * the present one
 */
export function downgradePath(
  revisions: readonly Revision[],
  current: string,
  to: string | null,
  image: string,
): DowngradePath {
  const byId = new Map(revisions.map((one) => [one.id, one]))
  const start = byId.get(current)
  if (start === undefined) {
    throw new RunbookError(
      'verification',
      `${image} does not contain the revision ${current} of the database, so it cannot downgrade it`,
      {
        hint: 'name the release that introduced it: --with TAG',
      },
    )
  }
  const goal = to === null ? null : to === 'base' ? 'base' : fullRevisionId(to, revisions, image)
  const undone: Revision[] = []
  let here: Revision | undefined = start
  while (here !== undefined) {
    if (here.id === goal) break
    if (here.down.length > 1) {
      throw cannot('downgrade', `from ${current}`, `${here.id} merges ${here.down.join(' and ')}`, {
        code: 'usage',
        hint: 'downgrade a merge by hand: alembic downgrade',
      })
    }
    undone.push(here)
    const below: string = here.down[0] ?? 'base'
    if (to === null || below === goal) return { to: below, undone }
    here = byId.get(below)
  }
  if (undone.length > 0)
    throw cannot('downgrade', `to ${goal}`, `it is not below ${current}, the revision of the database`, {
      code: 'usage',
      hint: `revisions below: ${undone.map(({ id }) => id).join(', ')}`,
    })
  throw new RunbookError('preflight', `the database is already at revision ${current}`, {
    hint: 'there is no migration to undo',
  })
}

function fullRevisionId(to: string, revisions: readonly Revision[], image: string): string {
  const found = revisions.filter(({ id }) => id === to || (to.length >= 4 && id.startsWith(to)))
  const exact = found.find(({ id }) => id === to) ?? (found.length === 1 ? found[0] : undefined)
  if (exact !== undefined) return exact.id
  const why =
    found.length === 0
      ? `revision ${to} not found in ${image}`
      : `revision ${to} is ambiguous (${found.length} matches): ${found.map(({ id }) => id).join(', ')}`
  throw new RunbookError('usage', why, {
    hint: `revisions in it: ${revisions.map(({ id }) => id).join(', ')}`,
  })
}

/** What the text of the migrations suggests. */
export function kindOf(undone: readonly Revision[]): 'additive' | 'breaking' | 'unclear' {
  if (undone.some(({ breaks }) => breaks.length > 0)) return 'breaking'
  return undone.every(({ adds }) => adds.length > 0) ? 'additive' : 'unclear'
}

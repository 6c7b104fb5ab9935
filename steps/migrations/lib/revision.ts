import {
  cannot,
  qualifiedName,
  RunbookError,
  sqlName,
  type Database,
  type Io,
  type Look,
  type MigrationTool,
  type Revision,
  type VolumePath,
} from '../../../src/index.ts'

const versionTable = 'alembic_version'

/** Asks for alembic's table, which a project may keep in any schema (`version_table_schema`). */
const levelTable = (engine: Database['engine']): string =>
  ({
    sqlite: `select name from sqlite_master where type = 'table' and name = '${versionTable}'`,
    postgres: `select schemaname from pg_catalog.pg_tables where tablename = '${versionTable}' and substr(schemaname, 1, 3) <> 'pg_' order by schemaname`,
  })[engine]

/** The tables of alembic in the live database, with their schemas where there are any. */
export async function versionTables(
  look: Pick<Look, 'databases'>,
  database: Database,
): Promise<readonly string[]> {
  const rows = await look.databases.query(database, database.name, levelTable(database.engine))
  return rows.map(({ schemaname }) =>
    typeof schemaname === 'string' ? qualifiedName(schemaname, versionTable) : versionTable,
  )
}

/** Whether a table, as fingerprints name it, is alembic's. */
export const isVersionTable = (table: string): boolean =>
  table === versionTable || table.endsWith(`.${versionTable}`)

/**
 * The revisions in one of the tables of alembic, sorted.
 * @param name the live database, or a copy beside it
 */
export async function revisionsIn(
  look: { readonly databases: Pick<Look['databases'], 'query'> },
  database: Database,
  name: string,
  table: string,
): Promise<readonly string[]> {
  const sql = `select version_num from ${sqlName(table)} order by version_num`
  return (await look.databases.query(database, name, sql)).map((row) => String(row['version_num']))
}

/**
 * The revision in the database; null where no migration was ever applied.
 * @throws RunbookError `preflight` where there are several, or several tables of alembic
 */
export async function revisionOf(look: Pick<Look, 'databases'>, database: Database): Promise<string | null> {
  const tables = await versionTables(look, database)
  const levels = await Promise.all(
    tables.map(async (table) => ({
      table,
      revisions: await revisionsIn(look, database, database.name, table),
    })),
  )
  if (levels.length > 1)
    throw new RunbookError(
      'preflight',
      `${database.name} has ${levels.length} tables of alembic: ${levels
        .map(({ table, revisions }) => `${table} (${revisions.join(', ') || 'empty'})`)
        .join(' and ')}`,
      { hint: 'drop or rename the one that the application does not use' },
    )
  const revisions = levels[0]?.revisions ?? []
  if (revisions.length < 2) return revisions[0] ?? null
  throw severalRevisions(database.name, revisions)
}

export const titleOf = (database: Database | VolumePath): string =>
  'path' in database ? `${database.path} of ${database.service}` : database.name

/** The same of a file in a volume too, which is asked through the tool, since only containers can open it. */
export async function currentOf(
  io: Pick<Io, 'databases' | 'migrations'>,
  database: Database | VolumePath,
  tool: MigrationTool,
): Promise<string | null> {
  if (!('path' in database)) return revisionOf(io, database)
  const [current = null, ...others] = await io.migrations.current(tool)
  if (others.length > 0) throw severalRevisions(titleOf(database), [current ?? '', ...others])
  return current
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

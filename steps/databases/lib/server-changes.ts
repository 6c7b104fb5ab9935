import type { Database, Io, Look } from '../../../src/index.ts'
import { literal } from './sql-quote.ts'

/**
 * What belongs to a server and not to one of its databases: text by kind and name. Null: not known. A dump is
 * executed while it is restored, so it can change these, and no undo of the restore takes that back.
 */
export type ServerFacts = { readonly [what: string]: string } | null

/** What runs name their databases, and the role that restores one, while it is incomplete. */
const ofRuns = `'__(rb|old|kept)_[0-9]{8}_[0-9]{6}_[0-9a-z]+(__partial)?$'`

/** A row that says whether the next query may be asked. */
const readable = 'settings of ALTER SYSTEM are readable'

/**
 * Left out are the restored databases of the run, since their settings go with them, and what a run on another database
 * of the server has there meanwhile: its databases, and the role with no rights that is there while it restores.
 */
const shared = (copies: readonly string[]): string => `
SELECT 'role ' || rolname AS what, concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END,
  CASE WHEN rolcreaterole THEN 'creates roles' END, CASE WHEN rolcreatedb THEN 'creates databases' END,
  CASE WHEN rolreplication THEN 'replication' END, CASE WHEN rolbypassrls THEN 'bypasses row security' END,
  CASE WHEN rolcanlogin THEN 'login' ELSE 'no login' END) AS is FROM pg_roles
  WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR rolname !~ ${ofRuns}
    OR NOT EXISTS (SELECT FROM pg_database WHERE datname = rolname)
UNION ALL SELECT 'membership of ' || m.rolname || ' in ' || g.rolname, CASE WHEN bool_or(a.admin_option) THEN 'with admin option' ELSE 'member' END
  FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid GROUP BY m.rolname, g.rolname
UNION ALL SELECT concat_ws(' ', 'settings of', 'database ' || d.datname, 'role ' || r.rolname), array_to_string(s.setconfig, ', ')
  FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
  WHERE d.datname IS NULL OR NOT (d.datname ~ ${ofRuns} OR ${['false', ...copies.map((copy) => `d.datname LIKE ${literal(`${copy.replaceAll(/[\\%_]/g, '\\$&')}%`)}`)].join(' OR ')})
UNION ALL SELECT 'replication slot ' || slot_name, coalesce(plugin, 'physical') FROM pg_replication_slots WHERE NOT temporary
UNION ALL SELECT 'replication origin ' || roname, 'exists' FROM pg_replication_origin
UNION ALL SELECT 'tablespace ' || spcname, 'exists' FROM pg_tablespace
UNION ALL SELECT '${readable}', 'yes' WHERE has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
  AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')`

/** By default only superusers may read it, and the refusal would be the first error in the log of the step. */
const files = `
SELECT 'setting ' || name AS what, setting AS is FROM pg_file_settings
WHERE sourcefile LIKE '%/postgresql.auto.conf'`

/** @param copies names of the copy that the run restores; none for a restore in place */
export async function serverFacts(
  look: Pick<Look, 'databases'>,
  database: Database,
  copies: readonly string[],
): Promise<ServerFacts> {
  if (database.engine !== 'postgres') return null
  const read = async (sql: string) => {
    try {
      const rows = await look.databases.query(database, database.name, sql)
      return rows.map(({ what, is }) => [String(what), String(is)] as const)
    } catch {
      return null
    }
  }
  const facts = await read(shared(copies))
  if (facts === null) return null
  const settings = facts.some(([what]) => what === readable) ? await read(files) : null
  return Object.fromEntries([
    ...facts.filter(([what]) => what !== readable),
    ...(settings ?? [[unread, 'unknown'] as const]),
  ])
}

/** In the place of settings that may not be read. */
const unread = 'settings of ALTER SYSTEM'

/** One sentence for each difference, sorted. */
export function changesBetween(
  before: NonNullable<ServerFacts>,
  now: NonNullable<ServerFacts>,
): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()
  return names.flatMap((what) => {
    const [was, is] = [before[what], now[what]]
    // What could be read only once says nothing about a change.
    if (was === is || ([before, now].some((facts) => unread in facts) && isFileSetting(what))) return []
    if (was === undefined) return [`${what} was created: ${is}`]
    return [
      is === undefined ? `${what} was removed; it was: ${was}` : `${what} was changed from ${was} to ${is}`,
    ]
  })
}

const isFileSetting = (what: string): boolean => what === unread || what.startsWith('setting ')

/**
 * What changed on the server since `before`, one sentence each; what cannot be compared is reported as unknown.
 */
export async function serverChanges(
  look: Pick<Look, 'databases' | 'note'>,
  database: Database,
  before: ServerFacts | undefined,
  copies: readonly string[],
): Promise<readonly string[]> {
  if (database.engine !== 'postgres') return []
  if (before === null || before === undefined) {
    look.note(
      'whether the dump changes roles or settings of the server is not checked: they could not be read',
    )
    return []
  }
  const now = await serverFacts(look, database, copies)
  if (now === null)
    return ['whether the dump changed roles or settings of the server is unknown: they cannot be read']
  if (unread in before || unread in now)
    look.note(
      `whether the dump changes settings with ALTER SYSTEM is not checked: ${database.user} may not read pg_file_settings`,
    )
  return changesBetween(before, now).map((change) => `on the server, ${change}`)
}

/** Reports them as what remains. */
export async function reportServerChanges(
  io: Pick<Io, 'databases' | 'remains' | 'note'>,
  database: Database,
  before: ServerFacts | undefined,
  copies: readonly string[],
): Promise<void> {
  for (const change of await serverChanges(io, database, before, copies)) io.remains(change)
}

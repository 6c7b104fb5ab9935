import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** Properties stored outside a database, so that only a dump made with `--create` contains them. */
export type DatabaseFacts = {
  readonly owner: string
  /** -1 for none. */
  readonly connectionLimit: number
  readonly allowConnections: boolean
  readonly isTemplate: boolean
  readonly comment: string | null
  /** A default ACL is expanded. A null grantee is PUBLIC. */
  readonly acl: readonly Grant[]
  /** A null role means settings for all roles. */
  readonly settings: readonly Setting[]
}

export type Grant = {
  readonly grantee: string | null
  readonly grantor: string
  readonly privilege: string
  readonly grantable: boolean
}
/** `value` as stored in pg_db_role_setting. */
export type Setting = { readonly role: string | null; readonly name: string; readonly value: string }

/**
 * One jsonb value in a fixed order, so databases can also be compared on the server. Null for an unknown
 * database.
 */
export const factsQuery = (name: string): string => `(
SELECT pg_catalog.jsonb_build_object(
  'owner', pg_catalog.pg_get_userbyid(d.datdba), 'connectionLimit', d.datconnlimit, 'allowConnections', d.datallowconn,
  'isTemplate', d.datistemplate, 'comment', pg_catalog.shobj_description(d.oid, 'pg_database'),
  'acl', (SELECT coalesce(pg_catalog.jsonb_agg(g ORDER BY g::text COLLATE "C"), '[]') FROM (
    SELECT pg_catalog.jsonb_build_object('grantee', CASE a.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
      'grantor', pg_catalog.pg_get_userbyid(a.grantor), 'privilege', a.privilege_type, 'grantable', a.is_grantable)
    FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a) AS grants (g)),
  'settings', (SELECT coalesce(pg_catalog.jsonb_agg(s ORDER BY s::text COLLATE "C"), '[]') FROM (
    SELECT pg_catalog.jsonb_build_object('role', CASE r.setrole WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(r.setrole) END,
      'name', pg_catalog.split_part(c, '=', 1), 'value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1))
    FROM pg_catalog.pg_db_role_setting AS r, pg_catalog.unnest(r.setconfig) AS c WHERE r.setdatabase = d.oid) AS settings (s)))
FROM pg_catalog.pg_database AS d WHERE d.datname = ${literal(name)})`

/** In the order of the names, by one client: null for a database that does not exist. */
export async function databaseFacts(
  server: Server,
  names: readonly string[],
  scope: Scope,
): Promise<readonly (DatabaseFacts | null)[]> {
  const script = names.map((name) => `SELECT coalesce(${factsQuery(name)}, 'null');`).join('\n')
  const doing = `read the settings of database ${names.join(', ')}`
  const answers = await records(server, { database: maintenance(server), doing, script }, scope)
  return names.map((_, index) => (answers[index] ?? null) as DatabaseFacts | null)
}

/** @throws RunbookError `preflight` if it does not exist */
export async function factsOfLive(server: Server, scope: Scope): Promise<DatabaseFacts> {
  const [facts] = await databaseFacts(server, [server.database.name], scope)
  if (facts) return facts
  throw new RunbookError('preflight', `database ${server.database.name} not found at ${server.host}`)
}

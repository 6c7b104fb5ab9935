import type { Unreadable } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { records } from './server/psql.ts'
import { qualifiedNameSql } from './server/quote.ts'
import type { Server } from './server/server.ts'

const most = 1000

/**
 * Row security makes pg_dump and `row_security = off` fail where it would hide rows. Before Postgres 18 no function
 * answers for large objects, so their privileges are read from `lomacl`; null means those of the owner.
 */
const script = `
SELECT json_build_object('what', what, 'name', name, 'why', why, 'cures', cures) FROM (
  SELECT what, name, pg_catalog.concat('no ', pg_catalog.concat_ws(' and no ', CASE WHEN usage THEN 'USAGE on its schema' END,
      CASE WHEN reading THEN 'SELECT' END, CASE WHEN hidden THEN 'exemption from its row security' END), ', owner ', owner) AS why,
    pg_catalog.array_to_json(pg_catalog.array_remove(ARRAY[
      CASE WHEN usage THEN pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', nspname, current_user) END,
      CASE WHEN reading THEN pg_catalog.format('GRANT SELECT ON %s %I.%I TO %I', CASE what WHEN 'sequence' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname, current_user) END,
      CASE WHEN hidden THEN pg_catalog.format('ALTER ROLE %I BYPASSRLS', current_user) END], NULL)) AS cures
  FROM (
    SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' ELSE 'sequence' END AS what,
      ${qualifiedNameSql('n.nspname', 'c.relname')} AS name, n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner) AS owner,
      NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usage,
      NOT CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END AS reading,
      CASE c.relkind WHEN 'S' THEN false ELSE pg_catalog.row_security_active(c.oid) END AS hidden
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ) AS relations WHERE usage OR reading OR hidden
  UNION ALL
  SELECT 'large object', l.oid::text, pg_catalog.concat('no SELECT, owner ', pg_catalog.pg_get_userbyid(l.lomowner)),
    json_build_array(pg_catalog.format('GRANT SELECT ON LARGE OBJECT %s TO %I', l.oid, current_user))
  FROM pg_catalog.pg_largeobject_metadata AS l
  WHERE pg_catalog.current_setting('lo_compat_privileges') = 'off' AND NOT pg_catalog.pg_has_role(l.lomowner, 'USAGE') AND NOT EXISTS (
    SELECT FROM pg_catalog.aclexplode(l.lomacl) AS a
    WHERE a.privilege_type = 'SELECT' AND CASE a.grantee WHEN 0 THEN true ELSE pg_catalog.pg_has_role(a.grantee, 'USAGE') END)
) AS found ORDER BY what COLLATE "C", name COLLATE "C" LIMIT ${most};`

export async function unreadable(server: Server, scope: Scope): Promise<readonly Unreadable[]> {
  const { name } = server.database
  const doing = `list what of database ${name} may not be read`
  return (await records(server, { database: name, doing, script }, scope)) as readonly Unreadable[]
}

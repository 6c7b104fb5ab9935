import type { Scope } from '../../drivers/scope.ts'
import { records } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * Objects to drop: not those of an extension, which come and go with it (pg_depend.deptype 'e', manual
 * 53.18).
 */
const own = (catalog: string): string => `
  n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.${catalog}'::regclass AND d.objid = o.oid AND d.deptype = 'e')`

/**
 * Drops every table, view, sequence, routine, type and large object of the live database in one transaction;
 * schemas, their privileges and extensions stay. IF EXISTS: CASCADE may have dropped an object already.
 */
const script = `
BEGIN;
DO $empty$
DECLARE
  statement text;
BEGIN
  FOR statement IN
    SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE',
      CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
      n.nspname, o.relname)
    FROM pg_catalog.pg_class AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.relnamespace
    WHERE o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${own('pg_class')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = o.oid AND d.deptype = 'i')
  LOOP EXECUTE statement; END LOOP;
  FOR statement IN
    SELECT pg_catalog.format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, o.proname, pg_catalog.pg_get_function_identity_arguments(o.oid))
    FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.pronamespace
    WHERE ${own('pg_proc')}
  LOOP EXECUTE statement; END LOOP;
  FOR statement IN
    SELECT pg_catalog.format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, o.typname)
    FROM pg_catalog.pg_type AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.typnamespace LEFT JOIN pg_catalog.pg_class AS c ON c.oid = o.typrelid
    WHERE (o.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND ${own('pg_type')}
  LOOP EXECUTE statement; END LOOP;
  PERFORM pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
END
$empty$;
COMMIT;
`

export async function empty(server: Server, scope: Scope): Promise<void> {
  const { name } = server.database
  await records(
    server,
    { database: name, doing: `empty database ${name} before restoring its fallback`, script },
    scope,
  )
}

import type { Attachment } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/**
 * Catalogues that are shared by the databases of a server and name one of them (catalogs of PostgreSQL 13 to 18
 * with a column for a database), except those that a swap transfers or that are empty without sessions:
 * pg_replication_slots, pg_subscription, pg_prepared_xacts, pg_shseclabel; pg_cron, whose worker is connected to
 * the database that has the extension; and the workers of other extensions, which no session of a client started.
 */
const script = (name: string): string => `
SELECT json_build_object('what', what, 'name', name, 'active', active) FROM (
  SELECT 'prepared transaction' AS what, gid AS name, true AS active FROM pg_catalog.pg_prepared_xacts WHERE database = ${literal(name)}
  UNION ALL SELECT 'replication slot', slot_name::text, active FROM pg_catalog.pg_replication_slots WHERE database = ${literal(name)}
  UNION ALL SELECT 'scheduled jobs', extname::text, true FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'
  UNION ALL SELECT DISTINCT 'background worker', backend_type, true FROM pg_catalog.pg_stat_activity WHERE datname = ${literal(name)}
    AND backend_type NOT IN ('client backend', 'autovacuum worker', 'parallel worker', 'walsender') AND backend_type NOT LIKE 'logical replication%'
  UNION ALL SELECT 'security label', l.provider, false FROM pg_catalog.pg_shseclabel AS l
    JOIN pg_catalog.pg_database AS d ON d.oid = l.objoid AND l.classoid = 'pg_catalog.pg_database'::regclass WHERE d.datname = ${literal(name)}
  UNION ALL SELECT 'subscription', s.subname::text, s.subenabled FROM pg_catalog.pg_subscription AS s
    JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid WHERE d.datname = ${literal(name)}
) AS found ORDER BY what, name COLLATE "C";`

export async function attachments(server: Server, scope: Scope): Promise<readonly Attachment[]> {
  const { name } = server.database
  const doing = `list what belongs to database ${name} on the server`
  return (await records(
    server,
    { database: name, doing, script: script(name) },
    scope,
  )) as readonly Attachment[]
}

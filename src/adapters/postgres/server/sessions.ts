import type { Session } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { applicationPrefix } from './client-environment.ts'
import { maintenance, records } from './psql.ts'
import { literal } from './quote.ts'
import type { Server } from './server.ts'

/**
 * Sessions of others on some databases: none of the server's own workers, which have no role, and none of this run. What kind of session
 * it is shows only to the privileged; to others it is null.
 */
const others = (names: readonly string[], run: string): string => `
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname IN (${names.map(literal).join(', ')}) AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, '') <> 'parallel worker'
    AND NOT starts_with(coalesce(a.application_name, ''), ${literal(applicationPrefix(run))})`

export async function sessions(
  server: Server,
  names: readonly string[],
  scope: Scope,
): Promise<readonly Session[]> {
  const script = `
SELECT json_build_object('id', a.pid::text, 'application', coalesce(nullif(a.application_name, ''), a.backend_type, ''), 'user', coalesce(a.usename, ''))
  ${others(names, scope.run)} ORDER BY a.pid;`
  const doing = `look who uses ${names.join(' and ')}`
  return (await records(
    server,
    { database: maintenance(server), doing, script },
    scope,
  )) as readonly Session[]
}

/**
 * Asks every such session to end; returns how many there were. With `whileThere`, only as long as a database of that name exists.
 * The server does so for sessions of one's own role, for members of pg_signal_backend, and for superusers.
 * @throws RunbookError `failed` where the role of the target may not.
 */
export async function endSessions(
  server: Server,
  names: readonly string[],
  scope: Scope,
  whileThere?: string,
): Promise<number> {
  const there =
    whileThere === undefined
      ? ''
      : ` AND EXISTS (SELECT 1 FROM pg_catalog.pg_database WHERE datname = ${literal(whileThere)})`
  const script = `SELECT to_json(pg_catalog.pg_terminate_backend(a.pid)) ${others(names, scope.run)}${there};`
  const doing = `end the sessions that use ${names.join(' and ')}`
  return (await records(server, { database: maintenance(server), doing, script }, scope)).length
}

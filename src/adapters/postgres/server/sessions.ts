import type { Session } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { applicationPrefix } from './client-environment.ts'
import { maintenance, records } from './psql.ts'
import { identifier, literal } from './quote.ts'
import type { Server } from './server.ts'

/**
 * Sessions of others on some databases: not the server's own workers, which have no role, and not those of
 * this run. backend_type is null to roles without privileges.
 * @param beside other relations of the query
 */
export const others = (names: readonly string[], run: string, beside: readonly string[] = []): string => `
  FROM ${[...beside, 'pg_catalog.pg_stat_activity AS a'].join(', ')}
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
  const doing = `list the sessions on ${names.join(' and ')}`
  return (await records(
    server,
    { database: maintenance(server), doing, script },
    scope,
  )) as readonly Session[]
}

/**
 * Terminates every such session; returns their number. The server allows it for sessions of the same role, to members of pg_signal_backend, and to
 * superusers.
 * @throws RunbookError `failed` if the target's role may not
 */
export async function endSessions(server: Server, names: readonly string[], scope: Scope): Promise<number> {
  const script = `SELECT to_json(pg_catalog.pg_terminate_backend(a.pid)) ${others(names, scope.run)};`
  const doing = `end the sessions on ${names.join(' and ')}`
  return (await records(server, { database: maintenance(server), doing, script }, scope)).length
}

/** Two looks at the sessions of a closed database are so far apart, in seconds. */
const pause = 0.002

/** How long sessions that may not be ended are waited for, in seconds: as long as RENAME waits. */
const longestWait = 5

/**
 * A statement that ends the sessions of others until there are none. The databases must be closed. Sessions that may not
 * be ended are left for the statement that needs there to be none.
 */
const endingOthers = (names: readonly string[], run: string): string =>
  `DO ${literal(`DECLARE since timestamptz := pg_catalog.clock_timestamp(); BEGIN LOOP
  PERFORM pg_catalog.pg_stat_clear_snapshot();
  EXIT WHEN NOT EXISTS (SELECT ${others(names, run)}) OR pg_catalog.clock_timestamp() - since > interval '${longestWait} s';
  BEGIN PERFORM pg_catalog.pg_terminate_backend(a.pid) ${others(names, run)}; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
  PERFORM pg_catalog.pg_sleep(${pause});
END LOOP; END`)};
`

/**
 * Refuses new sessions and ends the others until none is left. RENAME would do so only every 100 ms, for five seconds
 * (CountOtherDBBackends() in procarray.c), and one client that reconnects at once would make it fail.
 */
export const closingScript = (open: readonly string[], names: readonly string[], run: string): string =>
  `${open.map((name) => `ALTER DATABASE ${identifier(name)} WITH ALLOW_CONNECTIONS false;\n`).join('')}${endingOthers(names, run)}`

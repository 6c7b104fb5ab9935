import { sha256 } from '../../../kernel/json.ts'
import type { Scope } from '../../../drivers/scope.ts'

/** How long a client waits for a connection. */
const connectSeconds = 10

/** The longest application_name; the server truncates longer ones (NAMEDATALEN - 1). */
const longestName = 63

/**
 * `rb:RUN:STEP` identifies our sessions in pg_stat_activity, also after this process died. The server shows
 * characters other than printable ASCII as `?`, so they are replaced here; an altered name ends in a digest
 * to keep it unique.
 */
export function applicationName(scope: Pick<Scope, 'run' | 'step'>): string {
  const full = `${applicationPrefix(scope.run)}${scope.step}`
  const ascii = full.replaceAll(/[^\x20-\x7e]/g, '?')
  return ascii === full && ascii.length <= longestName
    ? ascii
    : `${ascii.slice(0, longestName - 9)}~${sha256(full).slice(0, 8)}`
}

/** The common prefix of the session names of a run. */
export const applicationPrefix = (run: string): string => `rb:${run}:`

/**
 * The environment of every client program (libpq, section 34.15). A database named here is never parsed as a
 * URI.
 */
export function clientEnvironment(
  {
    user,
    database,
    password,
  }: { readonly user: string; readonly database: string; readonly password: string | null },
  scope: Scope,
): Record<string, string> {
  return {
    PGUSER: user,
    PGDATABASE: database,
    ...(password === null ? {} : { PGPASSWORD: password }),
    PGAPPNAME: applicationName(scope),
    PGCONNECT_TIMEOUT: String(connectSeconds),
    PGCLIENTENCODING: 'UTF8',
    ...cLocale,
  }
}

/** Messages in English, and dump headers in UTC. */
export const cLocale = { LC_ALL: 'C', LANGUAGE: 'C', TZ: 'UTC', PSQL_HISTORY: '/dev/null' } as const

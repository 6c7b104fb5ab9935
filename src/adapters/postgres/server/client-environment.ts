import { sha256 } from '../../../kernel/json.ts'
import type { Scope } from '../../../drivers/scope.ts'

/** How long a client waits for a server to answer at all. */
const connectSeconds = 10

/** The longest name of an application; the server cuts what is longer (NAMEDATALEN - 1). */
const longestName = 63

/**
 * `rb:RUN:STEP`: by this our database sessions are known in pg_stat_activity, also after this process died.
 * The server shows other characters than printable ASCII as `?`, so they are replaced here; a name that is too long ends in a digest of
 * itself, for two steps must never be taken for one.
 */
export function applicationName(scope: Pick<Scope, 'run' | 'step'>): string {
  const whole = `${applicationPrefix(scope.run)}${scope.step}`
  const plain = whole.replaceAll(/[^\x20-\x7e]/g, '?')
  return plain === whole && plain.length <= longestName
    ? plain
    : `${plain.slice(0, longestName - 9)}~${sha256(whole).slice(0, 8)}`
}

/** What the names of all sessions of a run begin with. */
export const applicationPrefix = (run: string): string => `rb:${run}:`

/** What every client program is told by its environment (libpq, section 34.15). A database given here is never taken for a URI. */
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

/** Messages that can be read by a program, and dumps whose header holds UTC. */
export const cLocale = { LC_ALL: 'C', LANGUAGE: 'C', TZ: 'UTC', PSQL_HISTORY: '/dev/null' } as const

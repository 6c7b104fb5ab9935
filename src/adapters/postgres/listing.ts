import type { Listing } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier, literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/**
 * `xmin` is the transaction that wrote the row (section 5.5 of the manual). Every ALTER DATABASE, GRANT and REVOKE writes
 * it again; vacuum changes its frozen ids in place, and freezing a row keeps its `xmin` since version 9.4.
 */
export async function listing(server: Server, name: string, scope: Scope): Promise<Listing | null> {
  const script = `
SELECT json_build_object('instance', (SELECT system_identifier FROM pg_catalog.pg_control_system())::text || '/' || oid,
  'open', datallowconn, 'version', xmin::text)
FROM pg_catalog.pg_database WHERE datname = ${literal(name)};`
  const doing = `look up database ${name}`
  const [answer] = await records(server, { database: maintenance(server), doing, script }, scope)
  return (answer ?? null) as Listing | null
}

export async function openDatabase(server: Server, name: string, scope: Scope): Promise<void> {
  const script = opening(name)
  const doing = `let sessions connect to database ${name}`
  await records(server, { database: maintenance(server), doing, script }, scope)
}

/** Writes nothing where it is open. `onlyIf`: SQL of a further condition. */
export const opening = (name: string, onlyIf = 'true'): string =>
  `DO ${literal(`BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(name)} AND NOT datallowconn AND (${onlyIf})) THEN ALTER DATABASE ${identifier(name)} WITH ALLOW_CONNECTIONS true; END IF; END`)};
`

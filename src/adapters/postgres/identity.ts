import { RunbookError } from '../../kernel/errors.ts'
import type { Identity } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { majorOf } from './archive/archive-header.ts'
import { records } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * `system_identifier` is drawn by initdb and shared by a primary and its standbys only; with the database's oid, which a rename keeps,
 * it names one database. pg_control_system() is open to every role unless somebody revoked it.
 */
const identityQuery = `
SELECT json_build_object(
  'system', (SELECT system_identifier FROM pg_catalog.pg_control_system())::text || '/' || oid,
  'version', pg_catalog.current_setting('server_version'),
  'bytes', pg_catalog.pg_database_size(oid),
  'generation', (SELECT pg_catalog.encode(pg_catalog.sha256(coalesce(pg_catalog.string_agg(c.oid::text, ' ' ORDER BY c.oid), '')::bytea), 'hex')
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')),
  'acceptsWrites', NOT pg_catalog.pg_is_in_recovery())
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database();`

type Answer = Pick<Identity, 'system' | 'version' | 'bytes' | 'generation' | 'acceptsWrites'>

export async function identity(server: Server, scope: Scope): Promise<Identity> {
  const { name } = server.database
  const script = {
    database: name,
    doing: `ask who serves the database ${name} at ${server.host}`,
    script: identityQuery,
    code: 'preflight' as const,
  }
  const [answer] = (await records(server, script, scope)) as readonly Answer[]
  if (answer === undefined)
    throw new RunbookError('preflight', `the database ${name} at ${server.host} does not say who it is`)
  const { system, version, bytes, generation, acceptsWrites } = answer
  return {
    engine: 'postgres',
    host: server.host,
    name,
    system,
    major: majorOf(version),
    version,
    bytes,
    acceptsWrites,
    generation,
  }
}

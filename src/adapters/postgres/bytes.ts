import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** The size on disk, by pg_database_size(), which requires the CONNECT privilege. */
export async function bytes(server: Server, name: string, scope: Scope): Promise<number> {
  const script = `SELECT to_json(pg_catalog.pg_database_size(oid)) FROM pg_catalog.pg_database WHERE datname = ${literal(name)};`
  const [answer] = await records(
    server,
    { database: maintenance(server), doing: `measure database ${name}`, script },
    scope,
  )
  if (typeof answer === 'number') return answer
  throw new RunbookError('failed', `database ${name} not found at ${server.host}`)
}

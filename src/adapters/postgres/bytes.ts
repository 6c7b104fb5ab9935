import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** Its files on disk, as pg_database_size() counts them; who may not connect to it may not ask. */
export async function bytes(server: Server, name: string, scope: Scope): Promise<number> {
  const script = `SELECT to_json(pg_catalog.pg_database_size(oid)) FROM pg_catalog.pg_database WHERE datname = ${literal(name)};`
  const [answer] = await records(
    server,
    { database: maintenance(server), doing: `measure the database ${name}`, script },
    scope,
  )
  if (typeof answer === 'number') return answer
  throw new RunbookError('failed', `there is no database ${name} at ${server.host} to measure`)
}

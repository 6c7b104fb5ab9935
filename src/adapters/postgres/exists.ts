import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './psql.ts'
import { literal } from './quote.ts'
import type { Server } from './server.ts'

export async function exists(server: Server, name: string, scope: Scope): Promise<boolean> {
  const script = `SELECT to_json(EXISTS (SELECT 1 FROM pg_catalog.pg_database WHERE datname = ${literal(name)}));`
  const [answer] = await records(server, { database: maintenance(server), doing: `look for the database ${name}`, script }, scope)
  return answer === true
}

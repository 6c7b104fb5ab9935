import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier } from './server/quote.ts'
import type { Server } from './server/server.ts'

const existingRoles = 'SELECT to_json(rolname) FROM pg_catalog.pg_roles;'

/** @throws RunbookError `usage` unless the server is a throwaway */
export async function createRoles(
  server: Server,
  roles: readonly string[],
  scope: Scope,
): Promise<readonly string[]> {
  if (server.database.via.kind !== 'throwaway') {
    throw new RunbookError('usage', `cannot create roles at ${server.host}: not a throwaway server`, {
      hint: 'create the roles by hand: CREATE ROLE …',
    })
  }
  const database = maintenance(server)
  const existing = await records(
    server,
    { database, doing: `read the roles of ${server.host}`, script: existingRoles },
    scope,
  )
  const missing = [...new Set(roles)].filter((role) => !existing.includes(role))
  if (missing.length === 0) return []
  const script = missing.map((role) => `CREATE ROLE ${identifier(role)} NOLOGIN;\n`).join('')
  await records(
    server,
    { database, doing: `create the roles ${missing.join(', ')} at ${server.host}`, script },
    scope,
  )
  return missing
}

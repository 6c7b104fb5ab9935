import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier } from './server/quote.ts'
import type { Server } from './server/server.ts'

const rolesThere = 'SELECT to_json(rolname) FROM pg_catalog.pg_roles;'

/** @throws RunbookError `usage` for a server that is not a run's own. */
export async function createRoles(
  server: Server,
  roles: readonly string[],
  scope: Scope,
): Promise<readonly string[]> {
  if (server.database.via.kind !== 'throwaway') {
    throw new RunbookError('usage', `roles are only made in a throwaway server, and ${server.host} is none`, {
      hint: 'let a person make them',
    })
  }
  const database = maintenance(server)
  const there = await records(
    server,
    { database, doing: `ask ${server.host} for its roles`, script: rolesThere },
    scope,
  )
  const missing = [...new Set(roles)].filter((role) => !there.includes(role))
  if (missing.length === 0) return []
  const script = missing.map((role) => `CREATE ROLE ${identifier(role)} NOLOGIN;\n`).join('')
  await records(
    server,
    { database, doing: `make the roles ${missing.join(', ')} at ${server.host}`, script },
    scope,
  )
  return missing
}

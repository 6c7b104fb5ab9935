import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * Sets who owns restored objects. A superuser restores the owners in the dump; a missing role then fails the
 * restore, which `fit` reports beforehand. Other roles cannot change owners, so the owner of the live
 * database gets everything.
 */
export const ownershipArguments = (superuser: boolean, owner: string): readonly string[] =>
  superuser ? [] : ['--no-owner', `--role=${owner}`]

export async function isSuperuser(server: Server, scope: Scope): Promise<boolean> {
  const script = 'SELECT to_json(rolsuper) FROM pg_catalog.pg_roles WHERE rolname = current_user;'
  const [answer] = await records(
    server,
    { database: maintenance(server), doing: `read the privileges of ${server.database.user}`, script },
    scope,
  )
  return answer === true
}

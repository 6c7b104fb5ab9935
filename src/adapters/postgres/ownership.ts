import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * Who owns what is restored. A superuser gives each object to its owner in the dump, so that the application finds its tables as they
 * were; a role that is missing then fails the restore, and `fit` says so beforehand. Any other role cannot give objects away, so all of
 * them go to the owner of the live database.
 */
export const ownershipArguments = (superuser: boolean, owner: string): readonly string[] =>
  superuser ? [] : ['--no-owner', `--role=${owner}`]

export async function isSuperuser(server: Server, scope: Scope): Promise<boolean> {
  const script = 'SELECT to_json(rolsuper) FROM pg_catalog.pg_roles WHERE rolname = current_user;'
  const [answer] = await records(
    server,
    { database: maintenance(server), doing: `ask what ${server.database.user} may do`, script },
    scope,
  )
  return answer === true
}

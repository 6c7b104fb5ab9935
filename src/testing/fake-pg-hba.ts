import type { Database } from '../drivers/databases.ts'
import { RunbookError } from '../kernel/errors.ts'

/**
 * Decides who may log in to the in-memory server. Keeps the rules that it read until `reload`, as Postgres
 * does with pg_hba.conf.
 */
export type Doorkeeper = { admits(user: string): boolean; reload(): void }

/**
 * Only TCP logins are checked; those over the container's own socket are not.
 * @throws RunbookError `failed` for a user who is not admitted
 */
export function mustBeAdmitted(doorkeeper: Doorkeeper | null, database: Database): void {
  if (doorkeeper === null || database.engine !== 'postgres') return
  const { via, user } = database
  const byTcp = via.kind === 'server' || (via.kind === 'compose' && via.login !== undefined)
  if (byTcp && !doorkeeper.admits(user))
    throw new RunbookError('failed', `no pg_hba.conf entry for user "${user}"`, {
      hint: 'check the doorkeeper of the test',
    })
}

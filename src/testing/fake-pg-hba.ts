import type { Database } from '../drivers/databases.ts'
import { RunbookError } from '../kernel/errors.ts'

/** Who may come into a pretended server. Has read its rules once, and goes by them until it is told to read them anew. */
export type Doorkeeper = { admits(user: string): boolean; reload(): void }

/** Those who come by the container's own socket are not asked. */
export function mustBeAdmitted(doorkeeper: Doorkeeper | null, database: Database): void {
  if (doorkeeper === null || database.engine !== 'postgres') return
  const { via, user } = database
  const byTcp = via.kind === 'server' || (via.kind === 'compose' && via.login !== undefined)
  if (byTcp && !doorkeeper.admits(user))
    throw new RunbookError('failed', `no pg_hba.conf entry for user "${user}"`, {
      hint: 'look at the doorkeeper of the test',
    })
}

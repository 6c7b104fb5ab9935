import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { factsOfLive } from './database-facts.ts'
import { mustHold } from './feed.ts'
import { othersLeave, type Manners } from './leave.ts'
import { isSuperuser, ownershipArguments } from './ownership.ts'
import { records } from './psql.ts'
import { mustTake, restoreInto } from './restore.ts'
import type { Server } from './server.ts'

/**
 * Replaces what the dump holds, in the live database, in one transaction. What was made after the dump stays, and where it depends on
 * something that must go, the whole fails and nothing has changed; restoring beside has no such limits.
 * The file is hashed before anything starts, and again on its way in: a commit cannot be taken back.
 */
export async function restoreInPlace(server: Server, dump: Dump, manners: Manners, scope: Scope): Promise<void> {
  const { name } = server.database
  await mustTake(server, dump, scope)
  await mustHold(dump.file, dump.sha256, scope)
  const { owner } = await factsOfLive(server, scope)
  const ownership = ownershipArguments(await isSuperuser(server, scope), owner)
  // A session that holds a lock would let the restore wait for ever.
  await othersLeave(server, [name], manners, scope)
  await restoreInto(server, name, dump, ['--clean', '--if-exists', ...ownership], scope)
  await records(server, { database: name, doing: `gather statistics of the database ${name}`, script: 'ANALYZE;' }, scope)
}

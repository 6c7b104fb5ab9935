import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { factsOfLive } from './database-facts.ts'
import { empty } from './empty.ts'
import { mustMatchDigest } from './archive/dump-stream.ts'
import { drainSessions, type SessionPolicy } from './server/drain-sessions.ts'
import { isSuperuser, ownershipArguments } from './ownership.ts'
import { records } from './server/psql.ts'
import { mustAcceptDump, restoreInto } from './restore-into.ts'
import type { Server } from './server/server.ts'

/**
 * Replaces what the dump holds, in the live database, in one transaction. What was made after the dump stays, and where it depends on
 * something that must go, the whole fails and nothing has changed; restoring beside has no such limits.
 * The file is hashed before anything starts, and again on its way in: a commit cannot be taken back.
 */
export const restoreInPlace = (
  server: Server,
  dump: Dump,
  manners: SessionPolicy,
  scope: Scope,
): Promise<void> => intoLive(server, dump, async () => undefined, manners, scope)

/** As above, into a database that was emptied first: in a transaction of its own, since pg_restore begins and ends one itself. */
export const restoreExactly = (
  server: Server,
  dump: Dump,
  manners: SessionPolicy,
  scope: Scope,
): Promise<void> => intoLive(server, dump, () => empty(server, scope), manners, scope)

async function intoLive(
  server: Server,
  dump: Dump,
  prepare: () => Promise<void>,
  manners: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const { name } = server.database
  await mustAcceptDump(server, dump, scope)
  await mustMatchDigest(dump.file, dump.sha256, scope)
  const { owner } = await factsOfLive(server, scope)
  const ownership = ownershipArguments(await isSuperuser(server, scope), owner)
  // A session that holds a lock would let the restore wait for ever.
  await drainSessions(server, [name], manners, scope)
  await prepare()
  await restoreInto(server, name, dump, ['--clean', '--if-exists', ...ownership], scope)
  await records(
    server,
    { database: name, doing: `gather statistics of the database ${name}`, script: 'ANALYZE;' },
    scope,
  )
}

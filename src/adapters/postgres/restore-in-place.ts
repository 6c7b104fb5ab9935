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
 * Replaces the dump's objects in the live database in one transaction. Objects created after the dump stay;
 * if one depends on a replaced object, the restore fails and nothing changes (restoring beside has no such
 * limit). The file is hashed before and during the restore, since a commit cannot be undone.
 */
export const restoreInPlace = (
  server: Server,
  dump: Dump,
  policy: SessionPolicy,
  scope: Scope,
): Promise<void> => intoLive(server, dump, async () => undefined, policy, scope)

/** As `restoreInPlace`, after emptying the database in a separate transaction: pg_restore opens its own. */
export const restoreExactly = (
  server: Server,
  dump: Dump,
  policy: SessionPolicy,
  scope: Scope,
): Promise<void> => intoLive(server, dump, () => empty(server, scope), policy, scope)

async function intoLive(
  server: Server,
  dump: Dump,
  prepare: () => Promise<void>,
  policy: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const { name } = server.database
  await mustAcceptDump(server, dump, scope)
  await mustMatchDigest(dump.file, dump.sha256, scope)
  const { owner } = await factsOfLive(server, scope)
  const ownership = ownershipArguments(await isSuperuser(server, scope), owner)
  // A session that holds a lock would block the restore forever.
  await drainSessions(server, [name], policy, scope)
  await prepare()
  await restoreInto(server, name, dump, ['--clean', '--if-exists', ...ownership], scope)
  await records(server, { database: name, doing: `analyze database ${name}`, script: 'ANALYZE;' }, scope)
}

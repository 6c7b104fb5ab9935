import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { factsOfLive } from './database-facts.ts'
import { empty } from './empty.ts'
import { mustMatchDigest } from '../unwrap/dump-stream.ts'
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
): Promise<void> =>
  intoLive(server, dump, policy, scope, async ({ ownership }) => {
    await restoreInto(server, server.database.name, dump, { options: [...cleaning, ...ownership] }, scope)
  })

/**
 * As `restoreInPlace`, after emptying the database in a separate transaction: pg_restore opens its own. The
 * dump may hold rows that no constraint would let in today.
 */
export const restoreExactly = (
  server: Server,
  dump: Dump,
  policy: SessionPolicy,
  scope: Scope,
): Promise<void> =>
  intoLive(server, dump, policy, scope, async ({ ownership, superuser }) => {
    await empty(server, scope)
    try {
      await restoreInto(server, server.database.name, dump, { options: [...cleaning, ...ownership] }, scope)
    } catch (thrown) {
      // Only a superuser may load rows that break foreign keys.
      if (scope.signal.aborted || !superuser) throw thrown
      await empty(server, scope)
      await constraintsFirst(server, dump, ownership, scope).catch(() => {
        throw thrown
      })
    }
  })

const cleaning = ['--clean', '--if-exists'] as const

/**
 * Constraints are checked when they are added to rows that are there already. So they are added to empty
 * tables, and the rows are loaded with triggers disabled, as they were when orphaned rows came in.
 */
async function constraintsFirst(
  server: Server,
  dump: Dump,
  ownership: readonly string[],
  scope: Scope,
): Promise<void> {
  const { name } = server.database
  for (const section of ['pre-data', 'post-data'])
    await restoreInto(
      server,
      name,
      dump,
      {
        options: [`--section=${section}`, ...(section === 'pre-data' ? cleaning : []), ...ownership],
        reads: 'part',
      },
      scope,
    )
  await restoreInto(
    server,
    name,
    dump,
    { options: ['--section=data', '--disable-triggers', ...ownership] },
    scope,
  )
  await records(server, { database: name, doing: `refresh the views of ${name}`, script: refresh }, scope)
}

/** They were filled before the rows came. In the order in which they were created, one may read another. */
const refresh = `
SELECT pg_catalog.format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid \\gexec
`

type Rights = { readonly ownership: readonly string[]; readonly superuser: boolean }

async function intoLive(
  server: Server,
  dump: Dump,
  policy: SessionPolicy,
  scope: Scope,
  restore: (rights: Rights) => Promise<void>,
): Promise<void> {
  const { name } = server.database
  await mustAcceptDump(server, dump, scope)
  await mustMatchDigest(dump.file, dump.sha256, scope)
  const { owner } = await factsOfLive(server, scope)
  const superuser = await isSuperuser(server, scope)
  // A session that holds a lock would block the restore forever.
  await drainSessions(server, [name], policy, scope)
  await restore({ ownership: ownershipArguments(superuser, owner), superuser })
  await records(server, { database: name, doing: `analyze database ${name}`, script: 'ANALYZE;' }, scope)
}

import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { SwapNames } from '../../drivers/databases.ts'
import { transferProperties } from './transfer-properties.ts'
import { databaseFacts, factsQuery, type DatabaseFacts } from './database-facts.ts'
import { opening } from './listing.ts'
import { cleanupScope } from './server/cleanup-scope.ts'
import { sessionsRemain, drainSessions, type SessionPolicy } from './server/drain-sessions.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier, literal } from './server/quote.ts'
import type { Server } from './server/server.ts'
import { closingScript, sessions } from './server/sessions.ts'

export type Names = SwapNames & { readonly live: string; readonly aside: string }

type Both = { readonly live: DatabaseFacts; readonly staged: DatabaseFacts }

/**
 * Both renames and the transfer of properties in one transaction, which ends by comparing the properties of
 * the old and the new live database; a difference rolls it back. The first rename locks the name, so new
 * sessions wait.
 */
export function swapScript(names: Names, facts: Both): string {
  const { live, staged, aside, closing, closedSince, version = closedSince } = names
  const properties = (name: string): string => `${factsQuery(name)} - 'allowConnections'`
  const differ = `IF ${properties(live)} IS DISTINCT FROM ${properties(aside)} THEN RAISE EXCEPTION 'the databases differ in owner, privileges or settings'; END IF;`
  const closed = closedSince !== undefined
  // Whether sessions may connect is no property of the name.
  const from = { ...facts.live, allowConnections: facts.staged.allowConnections }
  return `BEGIN;
SET LOCAL lock_timeout = '10s';
${version === undefined ? '' : unopened(staged, version)}ALTER DATABASE ${identifier(live)} RENAME TO ${identifier(aside)};
ALTER DATABASE ${identifier(staged)} RENAME TO ${identifier(live)};
${transferProperties(live, from, facts.staged)
  .map((statement) => `${statement};\n`)
  .join('')}ALTER DATABASE ${identifier(live)} WITH ALLOW_CONNECTIONS ${!closed};
ALTER DATABASE ${identifier(aside)} WITH ALLOW_CONNECTIONS ${closing !== true};
DO ${literal(`BEGIN ${differ} END`)};
COMMIT;
`
}

/** Fails where a database is not closed, or was changed since it had this version. */
const unopened = (name: string, version: string): string =>
  `DO ${literal(`BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(name)} AND NOT datallowconn AND xmin::text = ${literal(version)}) THEN RAISE EXCEPTION 'the database was changed since it was closed'; END IF; END`)};
`

/**
 * @throws RunbookError `failed`; nothing was renamed then, unless the connection broke during COMMIT: check
 *   by probing
 */
export async function swap(server: Server, names: Names, policy: SessionPolicy, scope: Scope): Promise<void> {
  const { live, staged, aside } = names
  if (new Set([live, staged, aside]).size < 3)
    throw new RunbookError('usage', `a swap requires three different names, not ${live}, ${staged}, ${aside}`)
  const [ofLive, ofStaged, ofAside] = await databaseFacts(server, [live, staged, aside], scope)
  const facts = { live: present(server, live, ofLive), staged: present(server, staged, ofStaged) }
  if (ofAside) {
    throw cannot('rename', `${live} to ${aside}`, 'a database of that name already exists', {
      code: 'failed',
      hint: `check ${aside}, then drop or rename it`,
    })
  }
  await drainSessions(server, [live, staged], policy, scope)
  const open = [
    ...(facts.live.allowConnections ? [live] : []),
    ...(facts.staged.allowConnections ? [staged] : []),
  ]
  const script = closingScript(open, [live, staged], scope.run) + swapScript(names, facts)
  await renaming(server, `swap ${staged} in for ${live}`, [live, staged], script, scope).catch(
    async (thrown: unknown) => {
      if (names.closing !== true) await reopen(server, staged, open, scope)
      throw thrown
    },
  )
}

/** After a failure: while `staged` has its name, nothing was renamed. */
async function reopen(server: Server, staged: string, names: readonly string[], scope: Scope): Promise<void> {
  const notRenamed = `EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(staged)})`
  const script = names.map((name) => opening(name, notRenamed)).join('')
  const doing = `let sessions connect to ${names.join(' and ')} again`
  await records(server, { database: maintenance(server), doing, script }, cleanupScope(scope))
}

async function renaming(
  server: Server,
  doing: string,
  names: readonly string[],
  script: string,
  scope: Scope,
): Promise<void> {
  try {
    await records(server, { database: maintenance(server), doing, script }, scope)
  } catch (thrown) {
    const remaining = scope.signal.aborted ? [] : await sessions(server, names, scope)
    throw remaining.length > 0 && String(thrown).includes('being accessed by other users')
      ? sessionsRemain(names, remaining, thrown)
      : thrown
  }
}

/**
 * Gives an earlier live database its name back where no database has it. It kept its owner, privileges and
 * settings under the other name.
 */
export async function nameAgain(
  server: Server,
  { live, staged, closedSince }: Pick<Names, 'live' | 'staged' | 'closedSince'>,
  policy: SessionPolicy,
  scope: Scope,
): Promise<void> {
  await drainSessions(server, [staged], policy, scope)
  const script = `BEGIN;
${closedSince === undefined ? '' : unopened(staged, closedSince)}ALTER DATABASE ${identifier(staged)} RENAME TO ${identifier(live)};
${closedSince === undefined ? opening(live) : ''}COMMIT;
`
  await renaming(server, `rename ${staged} to ${live}`, [staged], script, scope)
}

function present(server: Server, name: string, facts: DatabaseFacts | null | undefined): DatabaseFacts {
  if (facts) return facts
  throw new RunbookError('failed', `cannot swap database ${name}: not found at ${server.host}`)
}

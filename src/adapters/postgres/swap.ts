import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { transferProperties } from './transfer-properties.ts'
import { databaseFacts, factsQuery, type DatabaseFacts } from './database-facts.ts'
import { sessionsRemain, drainSessions, type SessionPolicy } from './server/drain-sessions.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier, literal } from './server/quote.ts'
import type { Server } from './server/server.ts'
import { endSessions, sessions } from './server/sessions.ts'

export type Names = { readonly live: string; readonly staged: string; readonly aside: string }

/**
 * Both renames and the transfer of properties in one transaction, which ends by comparing the properties of
 * the old and the new live database; a difference rolls it back. The first rename locks the name, so new
 * sessions wait.
 */
export function swapScript(
  { live, staged, aside }: Names,
  facts: { readonly live: DatabaseFacts; readonly staged: DatabaseFacts },
): string {
  const differ = `IF ${factsQuery(live)} IS DISTINCT FROM ${factsQuery(aside)} THEN RAISE EXCEPTION 'the databases differ in owner, privileges or settings'; END IF;`
  return `BEGIN;
SET LOCAL lock_timeout = '10s';
ALTER DATABASE ${identifier(live)} RENAME TO ${identifier(aside)};
ALTER DATABASE ${identifier(staged)} RENAME TO ${identifier(live)};
${transferProperties(live, facts.live, facts.staged)
  .map((statement) => `${statement};\n`)
  .join('')}DO ${literal(`BEGIN ${differ} END`)};
COMMIT;
`
}

/**
 * @throws RunbookError `failed`; nothing has changed then, unless the connection broke during COMMIT: check
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
  const doing = `swap ${staged} in for ${live}`
  try {
    await endingLatecomers(server, names, policy, scope, () =>
      records(server, { database: maintenance(server), doing, script: swapScript(names, facts) }, scope),
    )
  } catch (thrown) {
    const remaining = scope.signal.aborted ? [] : await sessions(server, [live, staged], scope)
    throw remaining.length > 0 && String(thrown).includes('being accessed by other users')
      ? sessionsRemain([live, staged], remaining, thrown)
      : thrown
  }
}

/**
 * Gives an earlier live database its name back where no database has it. It kept its owner, privileges and
 * settings under the other name.
 */
export async function nameAgain(
  server: Server,
  { live, staged }: Pick<Names, 'live' | 'staged'>,
  policy: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const database = maintenance(server)
  await drainSessions(server, [staged], policy, scope)
  const script = `ALTER DATABASE ${identifier(staged)} RENAME TO ${identifier(live)};`
  await records(server, { database, doing: `rename ${staged} to ${live}`, script }, scope)
}

function present(server: Server, name: string, facts: DatabaseFacts | null | undefined): DatabaseFacts {
  if (facts) return facts
  throw new RunbookError('failed', `cannot swap database ${name}: not found at ${server.host}`)
}

/**
 * RENAME waits up to five seconds for other sessions to leave (CountOtherDBBackends() in procarray.c). A
 * client that reconnects at once would make it fail, so sessions are ended repeatedly until the work is done.
 */
async function endingLatecomers(
  server: Server,
  { live, staged }: Names,
  { clock }: SessionPolicy,
  scope: Scope,
  work: () => Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  const rounds = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(50, over.signal)
      // After the commit no database is named `staged`, so sessions on the new live database are not ended.
      await endSessions(server, [live, staged], scope, staged)
    }
  }
  // Its failures are ignored: the rename reports remaining sessions.
  const ending = rounds().catch(() => undefined)
  try {
    await work()
  } finally {
    over.abort()
    await ending
  }
}

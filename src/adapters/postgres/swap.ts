import { RunbookError } from '../../kernel/errors.ts'
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
 * Both renames and all that is carried over, in one transaction, which ends by comparing: what was live and what is live now must agree
 * in everything outside them, or nothing has happened. The first rename locks the name, so that new sessions wait for the outcome.
 */
export function swapScript(
  { live, staged, aside }: Names,
  facts: { readonly live: DatabaseFacts; readonly staged: DatabaseFacts },
): string {
  const differ = `IF ${factsQuery(live)} IS DISTINCT FROM ${factsQuery(aside)} THEN RAISE EXCEPTION 'the databases differ in owner, rights or settings'; END IF;`
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

/** @throws RunbookError `failed`; nothing has moved then, unless the connection broke at the very COMMIT, which only a look can tell. */
export async function swap(
  server: Server,
  names: Names,
  manners: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const { live, staged, aside } = names
  if (new Set([live, staged, aside]).size < 3)
    throw new RunbookError('usage', `a swap needs three names, not ${live}, ${staged}, ${aside}`)
  const facts = { live: await mustBe(server, live, scope), staged: await mustBe(server, staged, scope) }
  if ((await databaseFacts(server, aside, scope)) !== null) {
    throw new RunbookError('failed', `could not set ${live} aside: a database ${aside} is there already`, {
      hint: `look at ${aside}, and drop or rename it`,
    })
  }
  await drainSessions(server, [live, staged], manners, scope)
  const doing = `swap ${staged} in for ${live}`
  try {
    await endingLatecomers(server, names, manners, scope, () =>
      records(server, { database: maintenance(server), doing, script: swapScript(names, facts) }, scope),
    )
  } catch (thrown) {
    const staying = scope.signal.aborted ? [] : await sessions(server, [live, staged], scope)
    throw staying.length > 0 && String(thrown).includes('being accessed by other users')
      ? sessionsRemain([live, staged], staying, thrown)
      : thrown
  }
}

async function mustBe(server: Server, name: string, scope: Scope): Promise<DatabaseFacts> {
  const facts = await databaseFacts(server, name, scope)
  if (facts === null)
    throw new RunbookError('failed', `there is no database ${name} at ${server.host} to swap`)
  return facts
}

/**
 * RENAME holds the lock on the name while it waits, for five seconds at most, for sessions that came just before (CountOtherDBBackends()
 * in procarray.c). Whoever connects again at once would make it fail; so they are ended, round after round, until it is over.
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
      // Once the swap is committed no database is called `staged` any more, and the sessions on the new live one are left alone.
      await endSessions(server, [live, staged], scope, staged)
    }
  }
  // Its own failures do not count: the rename says whether somebody is still there.
  const ending = rounds().catch(() => undefined)
  try {
    await work()
  } finally {
    over.abort()
    await ending
  }
}

import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { NothingAsked } from '../../process/conversation.ts'
import { cleanupScope } from './cleanup-scope.ts'
import { applicationName } from './client-environment.ts'
import { maintenance, ownPsql, records } from './psql.ts'
import { literal } from './quote.ts'
import type { Server } from './server.ts'

const rounds = 25
const pollMilliseconds = 200

/**
 * Wraps a server so that an aborted call also ends its session. The server notices a lost client only after
 * the current statement, which may hold its locks for hours.
 */
export function endOwnSessionsOnAbort(server: Server, clock: Clock): Server {
  const run: Server['run'] = async (call, scope) => {
    scope.signal.throwIfAborted()
    try {
      return await server.run(call, scope)
    } catch (thrown) {
      // A session that was asked nothing holds no lock, and others of its name may be at work.
      const asked = scope.signal.aborted && !(scope.signal.reason instanceof NothingAsked)
      if (asked && call.database !== null) await endOwn(server, clock, scope)
      throw thrown
    }
  }
  return { ...server, run, script: ownPsql(run) }
}

/**
 * @throws RunbookError `in-doubt` for a session that does not end; a server that does not answer counts as
 *   having none
 */
async function endOwn(server: Server, clock: Clock, scope: Scope): Promise<void> {
  // Uses another application name: otherwise each of these sessions would find the previous one still
  // closing.
  const ending = { ...cleanupScope(scope), step: `${scope.step}:end` }
  const script = `
SELECT to_json(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
WHERE application_name = ${literal(applicationName(scope))} AND pid <> pg_catalog.pg_backend_pid();`
  for (let round = 0; round < rounds; round++) {
    const left = await records(
      server,
      { database: maintenance(server), doing: 'end our own sessions', script },
      ending,
    ).catch(() => [])
    if (left.length === 0) return
    await clock.sleep(pollMilliseconds)
  }
  throw new RunbookError(
    'in-doubt',
    `cannot end our own session at ${server.host}: it may still be running`,
    {
      hint: `check: SELECT * FROM pg_stat_activity WHERE application_name = ${literal(applicationName(scope))}`,
    },
  )
}

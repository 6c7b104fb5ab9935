import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { cleanupScope } from './cleanup-scope.ts'
import { applicationName } from './client-environment.ts'
import { maintenance, records } from './psql.ts'
import { literal } from './quote.ts'
import type { Server } from './server.ts'

const rounds = 25
const pollMilliseconds = 200

/**
 * The same server, but a call that is stopped takes its session with it. The server itself does not notice that a client has gone until
 * the statement at hand is done; that can take hours, and all the while it holds its locks.
 */
export function endOwnSessionsOnAbort(server: Server, clock: Clock): Server {
  return {
    ...server,
    async run(call, scope) {
      scope.signal.throwIfAborted()
      try {
        return await server.run(call, scope)
      } catch (thrown) {
        if (scope.signal.aborted && call.database !== null) await endOwn(server, clock, scope)
        throw thrown
      }
    },
  }
}

/** @throws RunbookError `in-doubt` for a session that does not end. A server that does not answer has none. */
async function endOwn(server: Server, clock: Clock, scope: Scope): Promise<void> {
  // By another name, or those that look would find one another, each in the moment before the server has seen it leave.
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
  throw new RunbookError('in-doubt', `a session of ours at ${server.host} does not end, and may still act`, {
    hint: `SELECT * FROM pg_stat_activity WHERE application_name = ${literal(applicationName(scope))}`,
  })
}

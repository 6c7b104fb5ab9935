import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Session } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Server } from './server.ts'
import { endSessions, sessions } from './sessions.ts'

/** How sessions of others are drained. */
export type SessionPolicy = {
  readonly clock: Clock
  /** How long those that the target's role may not end may take to disconnect. */
  readonly patienceMilliseconds: number
}

export const defaultPatienceMilliseconds = 5_000

const pollMilliseconds = 200

/**
 * Ends the sessions of others at once, and waits for those that the target's role may not end. New ones may connect at
 * once; a caller that needs none must lock them out.
 * @throws RunbookError `failed`, naming the sessions that do not leave
 */
export async function drainSessions(
  server: Server,
  names: readonly string[],
  { clock, patienceMilliseconds }: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const until = clock.monotonic() + patienceMilliseconds
  for (;;) {
    const remaining = await sessions(server, names, scope)
    if (remaining.length === 0) return
    try {
      await endSessions(server, names, scope)
      return
    } catch (thrown) {
      if (clock.monotonic() >= until) throw sessionsRemain(names, remaining, thrown)
    }
    await clock.sleep(pollMilliseconds, scope.signal)
  }
}

export function sessionsRemain(
  names: readonly string[],
  remaining: readonly Session[],
  cause: unknown,
): RunbookError {
  const whose = [...new Set(remaining.map(({ application, user }) => `${application} (${user})`))].join(', ')
  return new RunbookError(
    'failed',
    `${remaining.length} sessions still connected to ${names.join(' or ')}: ${whose}`,
    {
      cause,
      hint: 'stop the programs that connect to it, then try again',
    },
  )
}

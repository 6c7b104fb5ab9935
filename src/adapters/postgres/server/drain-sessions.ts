import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Session } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Server } from './server.ts'
import { endSessions, sessions } from './sessions.ts'

/** How sessions of others are drained. */
export type SessionPolicy = {
  readonly clock: Clock
  /** How long they may take to disconnect before they are terminated. */
  readonly patienceMilliseconds: number
}

export const defaultPatienceMilliseconds = 5_000

const pollMilliseconds = 200

/**
 * Waits for sessions to disconnect, then terminates the rest. New ones may connect at once; a caller that
 * needs none must lock them out.
 * @throws RunbookError `failed`, naming the sessions, if the target's role may not terminate them
 */
export async function drainSessions(
  server: Server,
  names: readonly string[],
  { clock, patienceMilliseconds }: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const until = clock.monotonic() + patienceMilliseconds
  let remaining = await sessions(server, names, scope)
  while (remaining.length > 0 && clock.monotonic() < until) {
    await clock.sleep(pollMilliseconds, scope.signal)
    remaining = await sessions(server, names, scope)
  }
  if (remaining.length === 0) return
  await endSessions(server, names, scope).catch((thrown: unknown) => {
    throw sessionsRemain(names, remaining, thrown)
  })
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

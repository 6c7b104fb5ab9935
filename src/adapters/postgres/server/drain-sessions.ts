import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Session } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Server } from './server.ts'
import { endSessions, sessions } from './sessions.ts'

/** How sessions of others are treated that stand in the way. */
export type SessionPolicy = {
  readonly clock: Clock
  /** How long they may take to leave by themselves before they are told to end. */
  readonly patienceMilliseconds: number
}

export const defaultPatienceMilliseconds = 5_000

const pollMilliseconds = 200

/**
 * Waits for sessions to go, then tells those that stay to end. Others may come the next moment; who needs none at all must lock them out.
 * @throws RunbookError `failed`, naming whose they are, where the role of the target may not end them.
 */
export async function drainSessions(
  server: Server,
  names: readonly string[],
  { clock, patienceMilliseconds }: SessionPolicy,
  scope: Scope,
): Promise<void> {
  const until = clock.monotonic() + patienceMilliseconds
  let staying = await sessions(server, names, scope)
  while (staying.length > 0 && clock.monotonic() < until) {
    await clock.sleep(pollMilliseconds, scope.signal)
    staying = await sessions(server, names, scope)
  }
  if (staying.length === 0) return
  await endSessions(server, names, scope).catch((thrown: unknown) => {
    throw sessionsRemain(names, staying, thrown)
  })
}

export function sessionsRemain(
  names: readonly string[],
  staying: readonly Session[],
  cause: unknown,
): RunbookError {
  const whose = [...new Set(staying.map(({ application, user }) => `${application} (${user})`))].join(', ')
  return new RunbookError('failed', `${staying.length} sessions still use ${names.join(' or ')}: ${whose}`, {
    cause,
    hint: 'stop what connects to it, then go on',
  })
}

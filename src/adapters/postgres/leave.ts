import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Server } from './server.ts'
import { endSessions, sessions } from './sessions.ts'

/** How long sessions of others may take to leave by themselves, and then to end when told to. */
export type Patience = { readonly leaveMilliseconds: number; readonly endMilliseconds: number }

export const usualPatience: Patience = { leaveMilliseconds: 5_000, endMilliseconds: 10_000 }

const pollMilliseconds = 200

/**
 * Waits for sessions to go, then ends those that stay.
 * @throws RunbookError `failed`, naming whose they are, where some do not end.
 */
export async function othersLeave(
  server: Server, names: readonly string[], { clock, patience }: { readonly clock: Clock; readonly patience: Patience }, scope: Scope,
): Promise<void> {
  const gone = async (milliseconds: number): Promise<boolean> => {
    const until = clock.monotonic() + milliseconds
    while ((await sessions(server, names, scope)).length > 0) {
      if (clock.monotonic() >= until) return false
      await clock.sleep(pollMilliseconds, scope.signal)
    }
    return true
  }
  if (await gone(patience.leaveMilliseconds)) return
  await endSessions(server, names, scope)
  if (await gone(patience.endMilliseconds)) return
  const staying = await sessions(server, names, scope)
  if (staying.length === 0) return
  const whose = [...new Set(staying.map(({ application, user }) => `${application} (${user})`))].join(', ')
  throw new RunbookError('failed', `${staying.length} sessions still use ${names.join(' or ')}, though they were told to end: ${whose}`, {
    hint: 'stop what connects again, then go on',
  })
}

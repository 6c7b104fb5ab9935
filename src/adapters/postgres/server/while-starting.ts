import type { Clock } from '../../../kernel/clock.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Ended } from '../../process/call.ts'
import { initializing } from './first-start.ts'
import type { Server } from './server.ts'

/** How long a server may take to replay its log, in milliseconds. */
const startingMilliseconds = 300_000
const pauseMilliseconds = 1_000
/** How long nobody may listen after a server that was starting: the temporary one of a first start stops before the real one starts. */
const gapMilliseconds = 30_000

/**
 * Waits while the server starts or replays its log: it then refuses every connection, so nothing has taken
 * effect and the call is repeated. A call with a stream is not, since what was read from it is gone.
 */
export function whileStarting(server: Server, clock: Clock): Server {
  return {
    ...server,
    run: (call, scope) =>
      call.database === null || isStream(call.stdin) || isStream(call.stdout)
        ? server.run(call, scope)
        : untilStarted(() => server.run(call, scope), scope, clock),
    script: (script, scope) => untilStarted(() => server.script(script, scope), scope, clock),
  }
}

async function untilStarted<E extends Pick<Ended, 'exitCode' | 'stderrTail'>>(
  attempt: () => Promise<E>,
  scope: Scope,
  clock: Clock,
): Promise<E> {
  const until = clock.monotonic() + startingMilliseconds
  let startingSeen: number | null = null
  for (;;) {
    const ended = await attempt()
    const now = clock.monotonic()
    if (ended.exitCode === 0 || now >= until) return ended
    if (isStarting(ended.stderrTail)) {
      if (startingSeen === null) scope.output(Buffer.from('waiting until the server accepts connections\n'))
      startingSeen = now
    } else if (
      startingSeen === null ||
      now - startingSeen >= gapMilliseconds ||
      !nobodyListens.test(ended.stderrTail)
    )
      return ended
    await clock.sleep(pauseMilliseconds, scope.signal)
  }
}

const isStream = (value: unknown): boolean => typeof value === 'object' && value !== null && 'pipe' in value

/**
 * Errors with SQLSTATE 57P03 that pass by themselves (postmaster.c and backend_startup.c). libpq prints no
 * code where it cannot connect, so the text counts, and a server with other lc_messages is not recognized. A
 * standby without hot standby, "not accepting connections", stays so. A `\connect` inside a script, which
 * has a line number, does not count: what came before it has taken effect.
 */
const passing =
  /^\w+: error: [^\n]*FATAL: {2}the database system is (?:starting up|not yet accepting connections|in recovery mode|shutting down)/m

/** libpq could not connect (fe-connect.c), so nothing has taken effect. */
const nobodyListens =
  /^\w+: error: connection to server (?:on|at) [^\n]* failed: (?:No such file|Connection refused)/m

const isStarting = (stderrTail: string): boolean =>
  passing.test(stderrTail) || stderrTail.includes(initializing)

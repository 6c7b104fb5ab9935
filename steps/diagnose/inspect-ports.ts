import {
  bringUpLine,
  defineStep,
  isOwnCheck,
  isPending,
  say,
  servicesBehind,
  type AnyHealthCheck,
  type HealthCheck,
  type Look,
  type Stack,
} from '../../src/index.ts'
import { activeNames } from '../services/lib/active.ts'
import {
  lacking,
  observationsOfFailure,
  serviceStopped,
  type Observed,
  type Observation,
} from './lib/observations.ts'

type Input = { readonly stack: Stack; readonly checks: readonly AnyHealthCheck[] }

const withAddress = (checks: readonly AnyHealthCheck[]): readonly HealthCheck[] =>
  checks.flatMap((check) => (isOwnCheck(check) ? [] : [check]))

/**
 * Checks, where no service runs, that nothing answers at their addresses: anything that does holds a port
 * they need. Where one runs, that what publishes their ports does.
 */
export const inspectPorts = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-ports',
  version: 1,
  effect: 'observe',
  secrets: lacking,
  timeoutSeconds: 60,
  describe: ({ checks }) =>
    isPending(checks)
      ? 'Checks what answers while nothing runs.'
      : say`Checks, where no service runs, that nothing answers at ${withAddress(checks).map(({ url }) => url)}.`,
  run: async (look, { stack, checks }) => {
    try {
      const { services } = await look.services.facts(stack)
      if (activeNames(await look.services.states({ stack, names: services })).length > 0)
        return { sights: await downBehind(look, stack, checks) }
    } catch (thrown) {
      look.signal.throwIfAborted()
      return { sights: observationsOfFailure(thrown, 'services-unread') }
    }
    const observations: Observation[] = []
    for (const { url, timeoutSeconds } of withAddress(checks)) {
      // A stack that is down should not answer; an unknown listener gets no secret.
      const answer = await look.http.get(url, { timeoutSeconds, bearer: null }).catch(() => null)
      look.signal.throwIfAborted()
      if (answer !== null)
        observations.push({
          case: 'port-taken',
          evidence: `${url} answers ${answer.status}, though no service runs`,
        })
    }
    return { sights: observations }
  },
})

/** Services that publish the port of an address and do not run, such as a proxy that somebody stopped. */
async function downBehind(
  look: Look,
  stack: Stack,
  checks: readonly AnyHealthCheck[],
): Promise<readonly Observation[]> {
  const behind = (await Promise.all(checks.map((check) => servicesBehind(look, stack, check)))).flat()
  return behind
    .filter(({ state }) => state === 'missing' || state === 'paused' || state === 'stopped')
    .map(({ service, port, state }) => ({
      case: serviceStopped,
      from: 'address' as const,
      evidence:
        `${service}, which publishes port ${port}, is ${state}` +
        (stack.kind === 'compose' ? `; to bring it up: ${bringUpLine(stack, service, state)}` : ''),
    }))
}

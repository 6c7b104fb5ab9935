import {
  defineStep,
  isOwnCheck,
  isPending,
  say,
  type AnyHealthCheck,
  type HealthCheck,
  type Stack,
} from '../../src/index.ts'
import { activeNames } from '../services/lib/active.ts'
import { lacking, observationsOfFailure, type Observed, type Observation } from './lib/observations.ts'

type Input = { readonly stack: Stack; readonly checks: readonly AnyHealthCheck[] }

const withAddress = (checks: readonly AnyHealthCheck[]): readonly HealthCheck[] =>
  checks.flatMap((check) => (isOwnCheck(check) ? [] : [check]))

/**
 * Checks, where no service runs, that nothing answers at their addresses: anything that does holds a port
 * they need.
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
        return { sights: [] }
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

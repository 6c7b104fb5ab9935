import {
  defineStep,
  isOwnCheck,
  isPending,
  say,
  whyNotHealthy,
  type AnyHealthCheck,
  type HealthCheck,
  type HttpAnswer,
} from '../../src/index.ts'
import { mismatch } from '../http/check-health.ts'
import { lacking, observationsOfFailure, type Observed, type Observation } from './lib/observations.ts'

type Input = { readonly checks: readonly AnyHealthCheck[] }

/** Runs each health check once. */
export const inspectHealth = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-health',
  version: 1,
  effect: 'observe',
  secrets: lacking,
  timeoutSeconds: 120,
  describe: ({ checks }) =>
    isPending(checks)
      ? 'Runs the health checks once.'
      : say`Requests ${checks.map((check) => (isOwnCheck(check) ? check.service.names.join(', ') : check.url))} once.`,
  run: async (look, { checks }) => {
    const observations: Observation[] = []
    for (const check of checks) {
      try {
        if (isOwnCheck(check)) {
          const states = await look.services.states(check.service)
          const why = whyNotHealthy(states)
          const down = states.some(({ state }) => state !== 'running')
          if (why !== null)
            observations.push({
              case: 'deploy-failed',
              evidence: why,
              ...(down ? { from: 'health' as const } : {}),
            })
        } else
          observations.push(
            ...observationsOfAnswer(check, await look.http.get(check.url, check)).map(ofHealth),
          )
      } catch (thrown) {
        look.signal.throwIfAborted()
        observations.push(...observationsOfFailure(thrown, 'deploy-failed').map(ofHealth))
      }
    }
    return { sights: observations }
  },
})

const ofHealth = (one: Observation): Observation =>
  one.case === 'deploy-failed' ? { ...one, from: 'health' } : one

/** A mismatch in the migration part of the answer points to migrations; any other points to the release. */
export function observationsOfAnswer(
  check: Pick<HealthCheck, 'url' | 'status' | 'json'>,
  answer: HttpAnswer,
): readonly Observation[] {
  const parts = Object.entries(check.json).map(([path, wanted]) => ({
    path,
    why: mismatch({ url: check.url, status: answer.status, json: { [path]: wanted } }, answer),
  }))
  const migrations = parts.find(({ path, why }) => path.includes('migration') && why !== null)
  if (migrations?.why != null && answer.json !== null)
    return [{ case: 'migration-mismatch', evidence: migrations.why }]
  const why = mismatch(check, answer)
  return why === null ? [] : [{ case: 'deploy-failed', evidence: why }]
}

import {
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  say,
  type Endpoint,
  type HttpAnswer,
  type Look,
} from '../../src/index.ts'
import { mismatch } from './check-health.ts'
import { reachableFindings } from './lib/reachable.ts'

type Input = {
  readonly endpoints: readonly Endpoint[]
  /** Whether they must be turned off, or working. */ readonly off: boolean
}
type Output = { readonly endpoints: readonly { readonly name: string; readonly status: number }[] }

/** Seconds between two requests, and the timeout of one. */
const pauseSeconds = 1
const requestTimeout = 5

/**
 * Polls every endpoint until it is turned off or works, as required; a server error counts as neither.
 * @throws RunbookError `failed` where that does not happen within `withinSeconds`
 */
export const checkEndpoints = defineStep<Input, Output>({
  kind: 'http.check-endpoints',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ endpoints, off }) =>
    isPending(endpoints)
      ? 'Checks endpoints.'
      : say`Checks that ${endpoints.map(({ url }) => url)} ${off === true ? 'are turned off' : 'work'}.`,
  preflight: async (look, { endpoints }, plan) =>
    isPending(endpoints) ? [] : reachableFindings(look, plan, endpoints),
  predict: async () => ({ output: null }),
  run: async (look, { endpoints, off }) => {
    const checked = []
    for (const endpoint of endpoints)
      checked.push({ name: endpoint.name, status: await pollUntil(look, endpoint, off) })
    return { endpoints: checked }
  },
})

async function pollUntil(look: Look, endpoint: Endpoint, off: boolean): Promise<number> {
  const end = look.clock.monotonic() + endpoint.withinSeconds * 1000
  for (;;) {
    let why: string
    try {
      const answer = await look.http.get(endpoint.url, {
        timeoutSeconds: requestTimeout,
        bearer: endpoint.bearer,
      })
      const verdict = verdictOf(endpoint, answer)
      if (verdict === (off ? 'off' : 'working')) return answer.status
      why = `it answered ${answer.status} (${verdict === 'broken' ? 'an error' : verdict === 'off' ? 'turned off' : 'not turned off'})`
    } catch (thrown) {
      if (look.signal.aborted) throw look.signal.reason
      why = failureOf(thrown).message
    }
    if (look.clock.monotonic() >= end) {
      throw new RunbookError(
        'failed',
        `${endpoint.name} (${endpoint.url}) is not ${off ? 'turned off' : 'working'} after ${endpoint.withinSeconds} s: ${why}`,
        { hint: 'check that the application reads the variable' },
      )
    }
    await look.clock.sleep(pauseSeconds * 1000, look.signal)
  }
}

/** What an answer shows about an endpoint. Pure. */
export function verdictOf(
  endpoint: Pick<Endpoint, 'url' | 'statuses' | 'json' | 'text'>,
  answer: HttpAnswer,
): 'off' | 'working' | 'broken' {
  if (endpoint.statuses.includes(answer.status)) return 'off'
  if (answer.status >= 500) return 'broken'
  const textFound = endpoint.text !== null && answer.excerpt.includes(endpoint.text)
  const json =
    Object.keys(endpoint.json).length > 0 &&
    mismatch({ url: endpoint.url, status: answer.status, json: endpoint.json }, answer) === null
  if (textFound || json) return 'off'
  return answer.status < 300 ? 'working' : 'broken'
}

import {
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  sameJson,
  say,
  type HealthCheck,
  type HttpAnswer,
  type Look,
} from '../../src/index.ts'
import { atPath } from './lib/at-path.ts'

type Input = { readonly checks: readonly HealthCheck[] }

type Output = {
  readonly checks: readonly {
    readonly name: string
    readonly url: string
    readonly status: number
    readonly tries: number
    readonly milliseconds: number
  }[]
}

/**
 * Polls the health checks until each has passed the required number of times in a row.
 * @throws RunbookError `failed` where one does not within `withinSeconds`
 */
export const checkHealth = defineStep<Input, Output>({
  kind: 'http.check-health',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ checks }) =>
    isPending(checks)
      ? 'Checks health.'
      : checks
          .map(
            ({ url, status, passes, withinSeconds }) =>
              say`Waits until ${url} answers ${status}, ${timesInARow(passes)}, for at most ${withinSeconds} s.`,
          )
          .join(' '),
  marks: { upAfter: true },
  // Health today says nothing about health after the run, but an unreachable address is worth a note.
  predict: async ({ input: { checks }, look }) => {
    if (isPending(checks)) return { output: null }
    for (const check of checks) look.note(await healthNow(look, check))
    return {
      output: { checks: checks.map(({ name, url, status }) => ({ name, url, status })) } as unknown as Output,
    }
  },
  run: async (look, { checks }) => {
    const passed = []
    for (const check of checks) passed.push(await untilHealthy(look, check))
    return { checks: passed }
  },
})

const timesInARow = (passes: number): string => (passes === 1 ? 'once' : `${passes} times in a row`)

async function healthNow(look: Look, check: HealthCheck): Promise<string> {
  try {
    const answer = await look.http.get(check.url, check)
    return `${check.name}: ${check.url} answers ${answer.status} now`
  } catch (thrown) {
    return `${check.name}: ${failureOf(thrown).message}`
  }
}

async function untilHealthy(look: Look, check: HealthCheck): Promise<Output['checks'][number]> {
  const began = look.clock.monotonic()
  const until = began + check.withinSeconds * 1000
  let inARow = 0
  let tries = 0
  let last = 'no request was sent'
  while (look.clock.monotonic() <= until || tries === 0) {
    tries += 1
    const verdict = await tryOnce(look, check)
    inARow = verdict.healthy ? inARow + 1 : 0
    // Repeating the same message every second would bury everything else.
    if (!verdict.healthy && verdict.why !== last) look.note(verdict.why)
    last = verdict.why
    look.progress({ done: inARow, total: check.passes, unit: 'checks' })
    if (inARow >= check.passes) {
      return {
        name: check.name,
        url: check.url,
        status: check.status,
        tries,
        milliseconds: Math.round(look.clock.monotonic() - began),
      }
    }
    await look.clock.sleep(check.everySeconds * 1000, look.signal)
  }
  throw new RunbookError(
    'failed',
    `${check.name} was not healthy within ${check.withinSeconds} s (${tries} tries): ${last}`,
    {
      hint: 'check the logs of the services',
    },
  )
}

async function tryOnce(
  look: Look,
  check: HealthCheck,
): Promise<{ readonly healthy: boolean; readonly why: string }> {
  try {
    const answer = await look.http.get(check.url, check)
    const why = mismatch(check, answer)
    return { healthy: why === null, why: why ?? 'it was healthy' }
  } catch (thrown) {
    if (look.signal.aborted) throw look.signal.reason
    return { healthy: false, why: failureOf(thrown).message }
  }
}

/** How an answer differs from a healthy one; null where it does not. */
export function mismatch(
  check: Pick<HealthCheck, 'url' | 'status' | 'json' | 'text'>,
  answer: HttpAnswer,
): string | null {
  if (answer.status !== check.status) return `${check.url} answered ${answer.status}, not ${check.status}`
  for (const [path, expected] of Object.entries(check.json)) {
    const found = atPath(answer.json, path)
    if (found === undefined || !sameJson(found, expected))
      return `${check.url} reports ${path} = ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`
  }
  if (check.text !== undefined && !answer.excerpt.toLowerCase().includes(check.text.toLowerCase())) {
    const start = JSON.stringify(answer.excerpt.slice(0, 60))
    return `${JSON.stringify(check.text)} not found in the first 200 characters of ${check.url}, which start with ${start}`
  }
  return null
}

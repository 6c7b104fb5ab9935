import {
  defineStep,
  failureOf,
  isOwnCheck,
  isPending,
  RunbookError,
  sameJson,
  say,
  whyNotHealthy,
  type AnyHealthCheck,
  type HealthCheck,
  type HttpAnswer,
  type Look,
  type Output as Ref,
  type Script,
} from '../../src/index.ts'
import { atPath } from './lib/at-path.ts'
import { reachableFindings } from './lib/reachable.ts'
import { withoutField } from './lib/without-field.ts'

type Input = { readonly checks: readonly AnyHealthCheck[] }

type Output = {
  readonly checks: readonly {
    readonly name: string
    /** With its status; left out where the container's own check counts. */
    readonly url?: string
    readonly status?: number
    /** Of which the own check counts. */
    readonly service?: string
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
          .map((check) =>
            isOwnCheck(check)
              ? say`Waits until the health check of ${check.service.names} has passed, ${timesInARow(check.passes)}, for at most ${check.withinSeconds} s.`
              : say`Waits until ${check.url} answers ${check.status}, ${timesInARow(check.passes)}, for at most ${check.withinSeconds} s.`,
          )
          .join(' '),
  preflight: async (look, { checks }, plan) =>
    isPending(checks) ? [] : reachableFindings(look, plan, checks),
  marks: { upAfter: true },
  // Health today says nothing about health after the run, but an unreachable address is worth a note.
  predict: async ({ input: { checks }, look }) => {
    if (isPending(checks)) return { output: null }
    for (const check of checks) look.note(await healthNow(look, check))
    return { output: { checks: checks.map(factsOf) } as unknown as Output }
  },
  run: async (look, { checks }) => {
    const passed = []
    for (const check of checks) passed.push(await untilHealthy(look, check))
    return { checks: passed }
  },
})

const timesInARow = (passes: number): string => (passes === 1 ? 'once' : `${passes} times in a row`)

const factsOf = (
  check: AnyHealthCheck,
): Pick<Output['checks'][number], 'name' | 'url' | 'status' | 'service'> =>
  isOwnCheck(check)
    ? { name: check.name, service: check.service.names.join(', ') }
    : { name: check.name, url: check.url, status: check.status }

async function healthNow(look: Look, check: AnyHealthCheck): Promise<string> {
  try {
    if (isOwnCheck(check)) {
      const why = whyNotHealthy(await look.services.states(check.service))
      return `${check.name}: ${why ?? `${check.service.names.join(', ')} is healthy now`}`
    }
    const answer = await look.http.get(check.url, check)
    return `${check.name}: ${check.url} answers ${answer.status} now`
  } catch (thrown) {
    return `${check.name}: ${failureOf(thrown).message}`
  }
}

async function untilHealthy(look: Look, check: AnyHealthCheck): Promise<Output['checks'][number]> {
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
        ...factsOf(check),
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
  check: AnyHealthCheck,
): Promise<{ readonly healthy: boolean; readonly why: string }> {
  try {
    const why = isOwnCheck(check)
      ? whyNotHealthy(await look.services.states(check.service))
      : mismatch(check, await look.http.get(check.url, check))
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

type Recording = Pick<Script<unknown, never>, 'step' | 'when'>

/**
 * Records the health checks of a runbook that brings an older image: as configured, or with newer migrations kept.
 * @param readyField null where no migrations are configured: then there is nothing to choose
 */
export function checkHealthBySchema(
  { step, when }: Recording,
  checks: readonly AnyHealthCheck[],
  {
    schema,
    readyField,
    ids,
  }: {
    readonly schema: Ref<'fits' | 'ahead'>
    readonly readyField: string | null
    readonly ids: { readonly fits: string; readonly ahead: string }
  },
): void {
  const checked = (): void => void step('Check health', checkHealth({ checks }), { id: ids.fits })
  if (readyField === null) checked()
  else
    when(schema, {
      fits: checked,
      // An older application reports that the database is ahead of it, and still works.
      ahead: () =>
        void step(
          'Check health with the kept migration',
          checkHealth({ checks: withoutField(checks, readyField) }),
          { id: ids.ahead },
        ),
    })
}

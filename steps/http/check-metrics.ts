import { defineStep, isPending, RunbookError, say, type Metrics } from '../../src/index.ts'

type Input = { readonly metrics: Metrics }
type Output = { readonly url: string; readonly names: number; readonly found: readonly string[] }

/** A larger response is not a scrape. */
const maxBytes = 8 << 20

/**
 * Scrapes metrics once, with the bearer token where one is configured, and checks that the required ones are
 * there.
 * @throws RunbookError `failed` where one is missing, or the answer is not a scrape
 */
export const checkMetrics = defineStep<Input, Output>({
  kind: 'http.check-metrics',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ metrics }) =>
    isPending(metrics)
      ? 'Scrapes metrics.'
      : say`Scrapes ${metrics.url}${metrics.bearer === null ? '' : ' with the bearer token'}, and looks for ${metrics.names.length === 0 ? 'any metric' : metrics.names}.`,
  run: async (look, { metrics: { url, bearer, names, timeoutSeconds } }) => {
    const { status, text, whole } = await look.http.read(url, { timeoutSeconds, bearer, maxBytes })
    if (status === 401 || status === 403)
      throw new RunbookError('failed', `${url} rejected the bearer token (${status})`, {
        hint: 'check that the secret belongs to this deployment',
      })
    if (status !== 200)
      throw new RunbookError('failed', `${url} answered ${status}, not 200`, {
        hint: 'check the log of the service',
      })
    const there = metricNames(text)
    const missing = names.filter((name) => !there.includes(name))
    if (there.length === 0)
      throw new RunbookError('failed', `no metrics found at ${url}`, {
        hint: 'check that it is the right address',
      })
    if (missing.length > 0) {
      throw new RunbookError(
        'failed',
        `metrics not found${whole ? '' : ` in the first ${maxBytes} bytes`} at ${url}: ${missing.join(', ')}`,
        { hint: 'check that everything that counts them is running' },
      )
    }
    return { url, names: there.length, found: names }
  },
})

/** Metric names in Prometheus text format, each once. Pure. */
export const metricNames = (text: string): readonly string[] => [
  ...new Set(
    text.split('\n').flatMap((line) => /^([A-Za-z_:][\w:]*)(?:\{.*\})?[ \t]+\S/.exec(line)?.[1] ?? []),
  ),
]

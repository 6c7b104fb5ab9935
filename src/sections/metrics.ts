import { z } from 'zod'
import type { SecretHandle } from '../drivers/secrets.ts'
import { section } from './parts/section.ts'
import { address, duration, secretHandle, strict } from './parts/values.ts'

/** Where metrics are scraped, and which must be present. */
export type Metrics = {
  readonly url: string
  readonly bearer: SecretHandle | null
  readonly names: readonly string[]
  readonly timeoutSeconds: number
}

export const metrics = section({
  about: 'Where the service exposes its metrics in the Prometheus text format.',
  schema: strict({
    url: address.describe('Address of the metrics.'),
    bearer: secretHandle
      .optional()
      .describe('Token for the Authorization header, or `Basic BASE64` for a user and a password.')
      .meta({ otherwise: 'none' }),
    names: z
      .array(z.string().regex(/^[A-Za-z_:][\w:]*$/, 'expected the name of a metric'))
      .readonly()
      .default([])
      .describe('Required metrics. With an empty list, any metric suffices.'),
    timeout: duration.prefault('10s').describe('Longest time for one request.'),
  }),
  example: { url: 'http://127.0.0.1:8000/metrics', names: ['http_requests_total'] },
  resolve: ({ bearer, timeout, ...rest }, { secret }): Metrics => ({
    ...rest,
    bearer: secret(bearer),
    timeoutSeconds: timeout,
  }),
})

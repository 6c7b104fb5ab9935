import { z } from 'zod'
import type { HealthCheck } from '../../drivers/http.ts'
import type { SectionContext } from './section.ts'
import { address, duration, expectedValues, secretHandle, strict, text } from './values.ts'

export const healthCheck = strict({
  name: text.describe('Name of the check in reports and messages.'),
  url: address.describe('Address to fetch with GET.'),
  status: z.int().min(100).max(599).default(200).describe('HTTP status of a healthy response.'),
  passes: z
    .int()
    .min(1)
    .default(3)
    .describe('Consecutive healthy responses that count as healthy, so that one lucky response does not.'),
  within: duration
    .prefault('2m')
    .describe('Longest time for the service to become healthy; after it the step fails.'),
  every: duration.prefault('2s').describe('Pause between two requests.'),
  timeout: duration.prefault('5s').describe('Longest time for one request.'),
  json: expectedValues.default({}).describe('Dotted paths in the JSON body and their required values.'),
  text: text
    .max(200)
    .optional()
    .describe('Text that the first 200 characters of the body must contain; case does not matter.')
    .meta({ otherwise: 'any body' }),
  bearer: secretHandle
    .optional()
    .describe('Token for the Authorization header, or `Basic BASE64` for a user and a password.')
    .meta({ otherwise: 'none' }),
})

export function healthCheckOf(
  { within, every, timeout, bearer, text: contained, ...rest }: z.output<typeof healthCheck>,
  { secret }: SectionContext,
): HealthCheck {
  return {
    ...rest,
    ...(contained === undefined ? {} : { text: contained }),
    withinSeconds: within,
    everySeconds: every,
    timeoutSeconds: timeout,
    bearer: secret(bearer),
  }
}

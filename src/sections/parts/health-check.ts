import { z } from 'zod'
import type { AnyHealthCheck, HealthCheck } from '../../drivers/http.ts'
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

const other = { otherwise: 'the other one is given' }

/** As `healthCheck`, or by the own check of a service. */
export const anyHealthCheck = healthCheck
  .extend({
    url: address.optional().describe('Address to fetch with GET. Either this or `service`.').meta(other),
    service: text
      .optional()
      .describe(
        'A service of the Compose stack whose container has a health check of its own, which counts instead of an address. Either this or `url`.',
      )
      .meta(other),
  })
  .superRefine((check, context) => {
    if ((check.url === undefined) === (check.service === undefined))
      context.addIssue({ code: 'custom', message: 'expected either url or service (of the Compose stack)' })
    const ofAddress =
      check.status !== 200 ||
      Object.keys(check.json).length > 0 ||
      check.text !== undefined ||
      check.bearer !== undefined
    if (check.service !== undefined && ofAddress)
      context.addIssue({
        code: 'custom',
        message: 'a service is healthy by its own check; status, json, text and bearer are for url',
      })
  })

export function anyHealthCheckOf(
  { url, service, ...rest }: z.output<typeof anyHealthCheck>,
  context: SectionContext,
): AnyHealthCheck {
  if (service === undefined) return healthCheckOf({ ...rest, url: url ?? '' }, context)
  const stack = context.stack()
  if (stack.kind !== 'compose')
    throw context.unusable(
      `health check ${rest.name} is by a service, but the stack has kind process, whose services have no health check`,
      'give a url instead',
    )
  const { name, passes, within, every } = rest
  return { name, service: { stack, names: [service] }, passes, withinSeconds: within, everySeconds: every }
}

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

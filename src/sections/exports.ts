import { z } from 'zod'
import type { SecretHandle } from '../drivers/secrets.ts'
import type { ServiceGroup } from '../drivers/services.ts'
import type { Json } from '../kernel/json.ts'
import { section } from './parts/section.ts'
import {
  address,
  duration,
  expectedValues,
  secretHandle,
  services,
  strict,
  text,
  variableName,
} from './parts/values.ts'

/**
 * How exports and reports are turned off while the rest stays up: a variable in the env file of some
 * services.
 */
export type Exports = {
  readonly file: string
  readonly variable: string
  readonly on: string
  readonly off: string
  readonly services: ServiceGroup
  readonly endpoints: readonly Endpoint[]
}

/** An address, and its answers while exports are turned off. */
export type Endpoint = {
  readonly name: string
  readonly url: string
  readonly statuses: readonly number[]
  /** Also counts as turned off, with any status below 500. Empty: no such answer. */
  readonly json: { readonly [path: string]: Json }
  readonly text: string | null
  readonly withinSeconds: number
  readonly bearer: SecretHandle | null
}

const endpoint = strict({
  name: text.describe('Name of the address in reports.'),
  url: address.describe('Address to fetch with GET.'),
  statuses: z
    .array(z.int().min(100).max(599))
    .readonly()
    .default([404])
    .describe('HTTP statuses that mean turned off.'),
  json: expectedValues
    .default({})
    .describe('Dotted paths in the JSON body and values that also mean turned off.'),
  text: text
    .optional()
    .describe('Text in the first 200 characters of the body that also means turned off.')
    .meta({ otherwise: 'no text is searched' }),
  within: duration.prefault('30s').describe('Longest time until the service obeys.'),
  bearer: secretHandle
    .optional()
    .describe('Token for the Authorization header, or `Basic BASE64` for a user and a password.')
    .meta({ otherwise: 'none' }),
})

export const exports = section({
  about: 'The switch that turns exports and reports off while the rest of the service stays up.',
  schema: strict({
    file: text.describe('The env file that holds the variable.'),
    variable: variableName.default('EXPORT_MODE').describe('The variable that is the switch.'),
    on: text.default('on').describe('Its value while exports work.'),
    off: text.default('off').describe('Its value while they are turned off.'),
    services: services.describe(
      'Services of the stack that read the variable; their containers are recreated.',
    ),
    endpoints: z
      .array(endpoint)
      .min(1, 'expected at least one address that shows whether exports are off')
      .readonly()
      .describe('Addresses that show whether exports are off; the variable alone proves nothing.'),
  }).refine(({ on, off }) => on !== off, 'expected two different values for on and off'),
  example: {
    file: '.env',
    services: ['api'],
    endpoints: [{ name: 'csv', url: 'http://127.0.0.1:8000/api/export.csv' }],
  },
  resolve: ({ file, services: names, endpoints, ...rest }, { path, stack, secret }): Exports => ({
    ...rest,
    file: path(file),
    services: { stack: stack(), names },
    endpoints: endpoints.map(({ within, bearer, text: contained, ...one }) => ({
      ...one,
      text: contained ?? null,
      withinSeconds: within,
      bearer: secret(bearer),
    })),
  }),
})

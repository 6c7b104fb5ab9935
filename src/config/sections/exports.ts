import { z } from 'zod'
import type { ServiceGroup, Stack } from '../../drivers/services.ts'
import type { Json } from '../../kernel/json.ts'
import type { Exports } from '../../model/sections/exports.ts'
import { absolute, handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, json, secretHandle, strict, text } from '../values.ts'

export type ExportsConfig = {
  /** The env file in which the variable stands. */
  readonly file: string
  /** Default `EXPORT_MODE`. */
  readonly variable?: string
  /** The variable's value while exports work. Default `on`. */
  readonly on?: string
  /** Its value while they are turned off. Default `off`. */
  readonly off?: string
  /** Services of the stack that read the variable: they are made anew. */
  readonly services: readonly string[]
  /** What must be turned off. At least one, for a variable that nothing obeys proves nothing. */
  readonly endpoints: readonly EndpointConfig[]
}

export type EndpointConfig = {
  readonly name: string
  readonly url: string
  /** Statuses that mean turned off. Default `[404]`. */
  readonly statuses?: readonly number[]
  /** Dotted paths in the JSON body and the values that mean turned off, too. */
  readonly json?: { readonly [path: string]: Json }
  /** Text in the first 200 characters of the body that means turned off, too. */
  readonly text?: string
  /** How long it may take to obey. Default 30 seconds. */
  readonly within?: Duration
  readonly bearer?: SecretSource
}

const endpoint = strict({
  name: text,
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  statuses: z.array(z.int().min(100).max(599)).readonly().default([404]),
  json: z.record(text, json).default({}),
  text: text.optional(),
  within: duration.default(30),
  bearer: secretHandle.optional(),
})

export const exportsSchema = strict({
  file: text,
  variable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable')
    .default('EXPORT_MODE'),
  on: text.default('on'),
  off: text.default('off'),
  services: z.array(text).min(1, 'expected at least one service').readonly(),
  endpoints: z
    .array(endpoint)
    .min(1, 'expected at least one address that shows whether exports are off')
    .readonly(),
}).refine(({ on, off }) => on !== off, 'expected two different values for on and off')

export function exportsOf(
  { file, services, endpoints, ...rest }: z.output<typeof exportsSchema>,
  stack: Stack,
  bearings: BasePaths,
): Exports {
  const group: ServiceGroup = { stack, names: services }
  return {
    ...rest,
    file: absolute(file, bearings),
    services: group,
    endpoints: endpoints.map(({ within, bearer, text: said, ...one }) => ({
      ...one,
      text: said ?? null,
      withinSeconds: within,
      bearer: bearer === undefined ? null : handleOf(bearer, bearings),
    })),
  }
}

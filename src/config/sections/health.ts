import { z } from 'zod'
import type { HealthCheck } from '../../drivers/http.ts'
import type { Json } from '../../kernel/json.ts'
import { handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, json, secretHandle, strict, text } from '../values.ts'

export type HealthConfig = {
  readonly name: string
  readonly url: string
  /** Default 200. */
  readonly status?: number
  /** Passes in a row. Default 3. */
  readonly passes?: number
  /** Default 120 seconds. */
  readonly within?: Duration
  /** Default 2 seconds. */
  readonly every?: Duration
  /** Of one request. Default 5 seconds. */
  readonly timeout?: Duration
  /** Dotted paths in the JSON body and the values that must stand there. */
  readonly json?: { readonly [path: string]: Json }
  /** Text that must stand in the first 200 characters of the body, in capitals or not. */
  readonly text?: string
  readonly bearer?: SecretSource
}

export const healthSchema = strict({
  name: text,
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  status: z.int().min(100).max(599).default(200),
  passes: z.int().min(1).default(3),
  within: duration.default(120),
  every: duration.default(2),
  timeout: duration.default(5),
  json: z.record(text, json).default({}),
  text: text.max(200).optional(),
  bearer: secretHandle.optional(),
})

export function healthOf(
  { within, every, timeout, bearer, text: said, ...rest }: z.output<typeof healthSchema>,
  bearings: BasePaths,
): HealthCheck {
  return {
    ...rest,
    ...(said === undefined ? {} : { text: said }),
    withinSeconds: within,
    everySeconds: every,
    timeoutSeconds: timeout,
    bearer: bearer === undefined ? null : handleOf(bearer, bearings),
  }
}

import { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { LogScan, Metrics } from '../../model/sections/watch.ts'
import { handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, secretHandle, strict, text } from '../values.ts'

export type MetricsConfig = {
  readonly url: string
  readonly bearer?: SecretSource
  /** Names of metrics that must be there. Default: any one. */
  readonly names?: readonly string[]
  /** Of one request. Default 10 seconds. */
  readonly timeout?: Duration
}

export type LogScanConfig = {
  readonly services: readonly string[]
  /** How far back. Default 10 minutes. */
  readonly since?: Duration
  /** Regular expressions, without regard to case, and how many lines may match. Default: no error, critical, fatal or traceback. */
  readonly patterns?: readonly { readonly name: string; readonly pattern: string; readonly atMost?: number }[]
  /** Regular expressions for lines that are known and harmless. */
  readonly ignore?: readonly string[]
}

const expression = text.refine((given) => {
  try {
    return new RegExp(given, 'i') instanceof RegExp
  } catch {
    return false
  }
}, 'expected a regular expression')

export const metricsSchema = strict({
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  bearer: secretHandle.optional(),
  names: z
    .array(z.string().regex(/^[A-Za-z_:][\w:]*$/, 'expected the name of a metric'))
    .readonly()
    .default([]),
  timeout: duration.default(10),
})

export const logScanSchema = strict({
  services: z.array(text).min(1, 'expected at least one service').readonly(),
  since: duration.default(600),
  patterns: z
    .array(strict({ name: text, pattern: expression, atMost: z.int().min(0).default(0) }))
    .min(1, 'expected at least one pattern')
    .readonly()
    .default([{ name: 'errors', pattern: String.raw`\b(error|critical|fatal|traceback)\b`, atMost: 0 }]),
  ignore: z.array(expression).readonly().default([]),
})

export const metricsOf = (
  { bearer, timeout, ...rest }: z.output<typeof metricsSchema>,
  bearings: BasePaths,
): Metrics => ({
  ...rest,
  bearer: bearer === undefined ? null : handleOf(bearer, bearings),
  timeoutSeconds: timeout,
})

export const logScanOf = (
  { services, since, ...rest }: z.output<typeof logScanSchema>,
  stack: Stack,
): LogScan => ({
  ...rest,
  services: { stack, names: services },
  sinceSeconds: since,
})

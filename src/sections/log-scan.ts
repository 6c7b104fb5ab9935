import { z } from 'zod'
import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { duration, nonNegative, services, strict, text } from './parts/values.ts'

/** What to look for in recent logs. */
export type LogScan = {
  readonly services: ServiceGroup
  readonly sinceSeconds: number
  readonly patterns: readonly LogPattern[]
  /** Lines that match one of these are ignored. Regular expressions, case-insensitive. */
  readonly ignore: readonly string[]
}

export type LogPattern = {
  readonly name: string
  /** A regular expression for a line, case-insensitive. */
  readonly pattern: string
  /** The step fails when more lines than this match. */
  readonly atMost: number
}

const expression = text.refine((given) => {
  try {
    return new RegExp(given, 'i') instanceof RegExp
  } catch {
    return false
  }
}, 'expected a regular expression')

const pattern = strict({
  name: text.describe('Name of the lines in reports.'),
  pattern: expression.describe('Regular expression for a line; case does not matter.'),
  atMost: nonNegative.default(0).describe('Largest number of matching lines; the step fails with more.'),
})

export const logScan = section({
  about: 'What must not appear in the recent logs of services after a rollback.',
  schema: strict({
    services: services.describe('Services of the stack whose logs are read.'),
    since: duration.prefault('10m').describe('How far back the logs are read.'),
    patterns: z
      .array(pattern)
      .min(1, 'expected at least one pattern')
      .readonly()
      .default([{ name: 'errors', pattern: String.raw`\b(error|critical|fatal|traceback)\b`, atMost: 0 }])
      .describe('Patterns to look for, and how many lines of each are tolerated.'),
    ignore: z
      .array(expression)
      .readonly()
      .default([])
      .describe('Regular expressions for known harmless lines.'),
  }),
  example: { services: ['api'], ignore: ['deprecat'] },
  resolve: ({ services: names, since, ...rest }, { stack }): LogScan => ({
    ...rest,
    services: { stack: stack(), names },
    sinceSeconds: since,
  }),
})

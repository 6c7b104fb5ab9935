import type { SecretHandle } from '../../drivers/secrets.ts'
import type { ServiceGroup } from '../../drivers/services.ts'

/** Where metrics are scraped, and which must be there. */
export type Metrics = {
  readonly url: string
  readonly bearer: SecretHandle | null
  readonly names: readonly string[]
  readonly timeoutSeconds: number
}

/** What to look for in the logs of the last minutes. */
export type LogScan = {
  readonly services: ServiceGroup
  readonly sinceSeconds: number
  readonly patterns: readonly LogPattern[]
  /** Lines that match one of these count for nothing. Regular expressions, without regard to case. */
  readonly ignore: readonly string[]
}

export type LogPattern = {
  readonly name: string
  /** A regular expression, without regard to case. */
  readonly pattern: string
  /** More lines than this are a failure. */
  readonly atMost: number
}

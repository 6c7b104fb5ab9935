import type { SecretHandle } from '../../drivers/secrets.ts'
import type { ServiceGroup } from '../../drivers/services.ts'
import type { Json } from '../../kernel/json.ts'

/** How exports and reports are turned off while the rest stays up: a variable of the env file that some services read. */
export type Exports = {
  readonly file: string
  readonly variable: string
  readonly on: string
  readonly off: string
  readonly services: ServiceGroup
  readonly endpoints: readonly Endpoint[]
}

/** An address, and how it answers while what is behind it is turned off. */
export type Endpoint = {
  readonly name: string
  readonly url: string
  readonly statuses: readonly number[]
  /** Counts as turned off too, whatever the status below 500. Empty: no such answer. */
  readonly json: { readonly [path: string]: Json }
  readonly text: string | null
  readonly withinSeconds: number
  readonly bearer: SecretHandle | null
}

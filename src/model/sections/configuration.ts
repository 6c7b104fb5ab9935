import type { ServiceGroup } from '../../drivers/services.ts'

/** The env file that can be rolled back, and who runs with it. */
export type Configuration = {
  readonly file: string
  readonly services: ServiceGroup
  /** Variables that must be seen inside what runs; a `*` at the end stands for any more letters. */
  readonly confirm: readonly string[]
}

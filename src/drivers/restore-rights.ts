import type { JsonObject } from '../kernel/json.ts'

/** With whose rights the SQL in a dump is executed while it is restored. */
export type RestoreRights = JsonObject & {
  /** The role that restores: the user of the target, or one that exists only while the run restores. */
  readonly role: string
  readonly server: string
  readonly superuser: boolean
  /** Why a superuser restores; empty if none does. */
  readonly because: readonly string[]
}

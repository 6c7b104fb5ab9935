import type { HealthCheck } from '../../drivers/http.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Ownership, VolumePath } from '../../drivers/volumes.ts'

/** A SQLite database in a volume of a service. */
export type VolumeDatabase = {
  readonly at: VolumePath
  readonly name: string
  /** What an operator must type before anything replaces this database. */
  readonly confirmPhrase: string
  /** To whom a restored file belongs where none is there to take it from. */
  readonly ownership: Ownership
  /** For backups that end in `.gpg`. */
  readonly passphrase: SecretHandle | null
  readonly business: readonly BusinessCheck[]
}

/** A number that the running application must tell as the backup does. */
export type BusinessCheck = {
  readonly name: string
  /** Read-only, asked of the backup: first column of the first row. */
  readonly sql: string
  /** Dotted path of the number in the JSON that `check.url` answers. */
  readonly path: string
  readonly check: HealthCheck
}

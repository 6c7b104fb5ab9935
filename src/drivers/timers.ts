/** A command that the machine starts by itself. */
export type Timer = {
  /** Permanent and unique on the machine: letters, digits and hyphens. */
  readonly name: string
  /** What it does, for people. */
  readonly about: string
  /** `minute`: a service that stays; it is started again soon after its end, and after a restart of the machine. */
  readonly every: 'minute' | 'hour' | 'day'
  /** Program and arguments; the program is an absolute path. */
  readonly argv: readonly string[]
  readonly directory: string
  /** Everything that it gets besides what the machine gives to all. No secrets: the definition is readable. */
  readonly environment: { readonly [name: string]: string }
  /** Where its output goes where the machine keeps none: replaced at each start. */
  readonly log: string
}

export type InstalledTimer = {
  readonly name: string
  /** The file or table that defines it. */
  readonly where: string
  /** Null where it cannot be asked. */
  readonly active: boolean | null
}

/** The timers of this machine that begin with a name of this program. */
export interface Timers {
  readonly kind: 'systemd' | 'cron'
  installed(prefix: string): Promise<readonly InstalledTimer[]>
  /**
   * Replaces timers of the same name and leaves all others as they are.
   * @throws RunbookError `failed` with what the machine said
   */
  install(timers: readonly Timer[]): Promise<void>
  /** A timer that is not there is not an error. */
  remove(names: readonly string[]): Promise<void>
}

import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Shell } from '../process/shell.ts'

export type Bytes = AsyncGenerator<Uint8Array, void, undefined>

/** What a wrapping may use to take itself off. */
export type Unwrapping = {
  readonly shell: Pick<Shell, 'run'>
  readonly scope: Scope
  /** The passphrase or identity; null where none is configured. */
  readonly secret: () => Promise<string | null>
  /** For messages, quoted for a shell. */
  readonly name: string
}

/** A wrapping that does not hold what it should, in words that follow the name of the file. */
export const refusedWrapping = (name: string, why: string, cause?: unknown): RunbookError =>
  new RunbookError('verification', `${name} ${why}`, {
    hint: /passphrase/.test(why)
      ? 'check backups.passphrase in runbook.config.ts first; otherwise choose another backup'
      : 'choose another backup, or fetch this one again from its source',
    ...(cause === undefined ? {} : { cause }),
  })

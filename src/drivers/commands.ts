import type { SecretHandle } from './secrets.ts'

/** One program call: never a shell string. */
export type Command = {
  readonly argv: readonly string[]
  readonly directory: string
  readonly environment: { readonly [name: string]: string }
  /** Reach the child by its environment, never by argv. */
  readonly secrets: { readonly [variable: string]: SecretHandle }
}

export interface CommandsView {
  /** The version that a program states, as `15.18`; null where it is not installed. */
  version(program: string): Promise<string | null>
}

export interface Commands extends CommandsView {
  /** Output goes to the step's log. Resolves with whatever exit code; rejects where it could not be started or was ended by a signal. */
  run(command: Command): Promise<{ readonly exitCode: number }>
}

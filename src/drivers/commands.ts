import type { OptionalPackage } from '../kernel/optional-packages.ts'
import type { SecretHandle } from './secrets.ts'

/** One call of a program, without a shell. */
export type Command = {
  readonly argv: readonly string[]
  readonly directory: string
  /** Added to the few variables that every program gets, and to this machine's proxies and CA certificates. */
  readonly environment: { readonly [name: string]: string }
  /** Passed in the environment of the child, never in argv. */
  readonly secrets: { readonly [variable: string]: SecretHandle }
}

/** Takes what a command prints: a stream of Node has this shape, and its own type would need the types of Node. */
export interface ScriptSink {
  write(chunk: Uint8Array | string, done?: (error?: Error | null) => void): unknown
  end(done?: () => void): unknown
}

/** One command line for bash; what it runs in is that of `Command`. */
export type ScriptLine = Omit<Command, 'argv'> & {
  readonly line: string
  /** What it reads; null: nothing. */
  readonly input: AsyncIterable<Uint8Array | string> | null
  /** Gets its standard output, beside the log of the step. It is ended with the command. */
  readonly output: ScriptSink
  /** Ends this command before its step ends. */
  readonly signal: AbortSignal | null
}

export type ScriptEnded = {
  readonly exitCode: number
  /** The end of its standard error, for messages. */
  readonly stderr: string
}
/** The version of an installed npm package, as `0.3.1`, or the command that installs it. */
export type PackageFacts = { readonly version: string } | { readonly install: string }

export interface CommandsView {
  /** The version that a program reports, as `15.18`; null if it is not installed. */
  version(program: string): Promise<string | null>
  /**
   * Runs a command line that its author has marked as one that only looks: the one method of a view that starts what
   * a team wrote. As `script` otherwise.
   */
  looking(line: ScriptLine): Promise<ScriptEnded>
  /** An npm package that this program loads only when it is used. */
  package(name: OptionalPackage): Promise<PackageFacts>
}

export interface Commands extends CommandsView {
  /** Output goes to the step's log. Rejects if it cannot be started or is ended by a signal. */
  run(command: Command): Promise<{ readonly exitCode: number }>
  /**
   * Runs a command line in bash. Standard output and error go to the step's log. Rejects if it cannot be started or is
   * ended by a signal; an exit code is a value.
   */
  script(line: ScriptLine): Promise<ScriptEnded>
}

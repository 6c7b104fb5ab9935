/**
 * What a script may use of zx's `$` (https://google.github.io/zx): the types of zx itself need those of Node and of
 * packages that a team need not have.
 */

/** How a command ended, and what it printed: at most the last mebibyte of each stream. */
export interface ScriptOutput {
  readonly stdout: string
  readonly stderr: string
  /** Both, as they came. */
  readonly stdall: string
  readonly exitCode: number | null
  /** Whether the exit code is 0. */
  readonly ok: boolean
  text(): string
  /** Split at line ends, the last of which gives no empty line. */
  lines(): string[]
  /** @throws SyntaxError for anything but JSON */
  json<T = unknown>(): T
}

/** A command that was started. It rejects where it fails, with what a `ScriptOutput` has. */
export interface ScriptCommand extends Promise<ScriptOutput> {
  /** Resolves for any exit code. */
  nothrow(): ScriptCommand
  /** Its standard output becomes the input of the other. @returns the other */
  pipe(to: ScriptCommand): ScriptCommand
  pipe(pieces: TemplateStringsArray, ...values: readonly unknown[]): ScriptCommand
  readonly exitCode: Promise<number | null>
  text(): Promise<string>
  lines(): Promise<string[]>
  json<T = unknown>(): Promise<T>
}

export interface ScriptOptions {
  /** Absolute, or relative to the folder in which the step works. */
  readonly cwd?: string
  /** What it reads; left out: nothing. */
  readonly input?: string | ScriptOutput
  /** Resolves for any exit code. */
  readonly nothrow?: boolean
}

/** Values in a command are quoted, and a command that fails throws. */
export interface Shell {
  (pieces: TemplateStringsArray, ...values: readonly unknown[]): ScriptCommand
  (options: ScriptOptions): Shell
}

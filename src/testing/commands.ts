import type { Command, Commands } from '../drivers/commands.ts'
import type { Scope } from '../drivers/scope.ts'
import { RunbookError } from '../kernel/errors.ts'

/** Fake programs of a machine, by name. */
export type Programs = {
  readonly installed: Map<string, FakeProgram>
  /** Every call, in order. Secrets appear by name, as in the call. */
  readonly calls: Command[]
}

export type FakeProgram = {
  readonly version: string
  /** Runs a call and returns how it ends; a throw means that a signal ended the program. */
  readonly run?: (command: Command, signal: AbortSignal) => Ending | Promise<Ending>
}

type Ending = { readonly exitCode: number; readonly output?: string }

export function noPrograms(): Programs {
  return { installed: new Map(), calls: [] }
}

export function fakeCommands(programs: Programs, scope: Pick<Scope, 'signal' | 'output'>): Commands {
  return {
    version: async (program) => programs.installed.get(program)?.version ?? null,
    async run(command) {
      scope.signal.throwIfAborted()
      const [name] = command.argv
      const program = programs.installed.get(name ?? '')
      if (program === undefined) {
        throw new RunbookError('preflight', `cannot run ${name}: not installed, or not on PATH`, {
          hint: `install ${name}, or add its folder to PATH`,
        })
      }
      programs.calls.push(command)
      const { exitCode, output = '' } = (await program.run?.(command, scope.signal)) ?? { exitCode: 0 }
      scope.signal.throwIfAborted()
      scope.output(Buffer.from(output))
      return { exitCode }
    },
  }
}

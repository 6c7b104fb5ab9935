import type { Command, Commands } from '../drivers/commands.ts'
import type { Scope } from '../drivers/scope.ts'
import { RunbookError } from '../kernel/errors.ts'
import { optionalPackages, type OptionalPackage } from '../kernel/optional-packages.ts'

/** Fake programs of a machine, by name, and npm packages. */
export type Programs = {
  readonly installed: Map<string, FakeProgram>
  /** npm packages that only some targets need. All are there, unless a test removes one. */
  readonly packages: Set<OptionalPackage>
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
  return {
    installed: new Map(),
    packages: new Set(Object.keys(optionalPackages) as OptionalPackage[]),
    calls: [],
  }
}

export function fakeCommands(programs: Programs, scope: Pick<Scope, 'signal' | 'output'>): Commands {
  return {
    version: async (program) => programs.installed.get(program)?.version ?? null,
    package: async (name) =>
      programs.packages.has(name) ? { version: '1.0.0' } : { install: `npm install --save-dev ${name}` },
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

import { text } from 'node:stream/consumers'
import type { Command, Commands, ScriptLine } from '../drivers/commands.ts'
import type { Scope } from '../drivers/scope.ts'
import { RunbookError } from '../kernel/errors.ts'
import { optionalPackages, type OptionalPackage } from '../kernel/optional-packages.ts'

/** Fake programs of a machine, by name, and npm packages. */
export type Programs = {
  readonly installed: Map<string, FakeProgram>
  /** npm packages that only some targets need. All are there, unless a test removes one. */
  readonly packages: Set<OptionalPackage>
  /** Every call, in order. Secrets appear by name, as in the call. */
  readonly calls: FakeCommand[]
}

/** A call; a command line of a script step is `['bash', '-c', LINE]`, with what was piped into it as `input`. */
export type FakeCommand = Command & { readonly input?: string }

export type FakeProgram = {
  readonly version: string
  /** Runs a call and returns how it ends; a throw means that a signal ended the program. */
  readonly run?: (command: FakeCommand, signal: AbortSignal) => Ending | Promise<Ending>
}

type Ending = { readonly exitCode: number; readonly output?: string; readonly stderr?: string }

export function noPrograms(): Programs {
  return {
    installed: new Map(),
    packages: new Set(Object.keys(optionalPackages) as OptionalPackage[]),
    calls: [],
  }
}

export function fakeCommands(programs: Programs, scope: Pick<Scope, 'signal' | 'output'>): Commands {
  const start = async (command: FakeCommand, signal: AbortSignal): Promise<Required<Ending>> => {
    signal.throwIfAborted()
    const [name] = command.argv
    const program = programs.installed.get(name ?? '')
    if (program === undefined) {
      throw new RunbookError('preflight', `cannot run ${name}: not installed, or not on PATH`, {
        hint: `install ${name}, or add its folder to PATH`,
      })
    }
    programs.calls.push(command)
    const { exitCode, output = '', stderr = '' } = (await program.run?.(command, signal)) ?? { exitCode: 0 }
    signal.throwIfAborted()
    scope.output(Buffer.from(output + stderr))
    return { exitCode, output, stderr }
  }

  const inBash = async ({ line, input, output, signal, ...place }: ScriptLine) => {
    const read = input === null ? {} : { input: await text(input) }
    try {
      const ended = await start(
        { argv: ['bash', '-c', line], ...place, ...read },
        signal === null ? scope.signal : AbortSignal.any([scope.signal, signal]),
      )
      output.write(ended.output)
      return { exitCode: ended.exitCode, stderr: ended.stderr }
    } finally {
      output.end()
    }
  }

  return {
    version: async (program) => programs.installed.get(program)?.version ?? null,
    looking: inBash,
    script: inBash,
    package: async (name) =>
      programs.packages.has(name) ? { version: '1.0.0' } : { install: `npm install --save-dev ${name}` },
    async run(command) {
      const { exitCode } = await start(command, scope.signal)
      return { exitCode }
    },
  }
}

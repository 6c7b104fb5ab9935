import { Readable, Writable } from 'node:stream'
import type { Command, Commands, ScriptEnded, ScriptLine, ScriptSink } from '../../drivers/commands.ts'
import { networkVariables } from '../../drivers/inherited-variables.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import { cannot } from '../../kernel/errors.ts'
import { packageFacts } from '../environment/optional-packages.ts'
import { shell } from './shell.ts'

/** Milliseconds in which a program must print its version. */
const versionTimeout = 5_000

/** Programs of this machine. */
export function processCommands({
  scope,
  secrets,
  environment,
}: {
  readonly scope: Scope
  readonly secrets: Secrets
  /** Of this program; commands get its proxies and certificate authorities. */
  readonly environment: { readonly [name: string]: string | undefined }
}): Commands {
  const variablesFor = async (command: Omit<Command, 'argv'>): Promise<Record<string, string>> => ({
    ...networkVariables(environment),
    ...(await environmentFor(command, secrets)),
  })

  const inBash = async (line: ScriptLine): Promise<ScriptEnded> => {
    const { exitCode, stderrTail } = await shell.run(
      {
        argv: ['bash', '-c', line.line],
        cwd: line.directory,
        env: await variablesFor(line),
        stdin: streamOf(line.input) ?? 'none',
        stdout: loggedTo(line.output, scope),
      },
      line.signal === null ? scope : { ...scope, signal: AbortSignal.any([scope.signal, line.signal]) },
    )
    return { exitCode, stderr: stderrTail }
  }

  return {
    looking: inBash,
    script: inBash,

    async version(program) {
      if ((await shell.which(program)) === null) return null
      const timeout = AbortSignal.timeout(versionTimeout)
      // Asking for a version has no effect, so it is neither logged nor journaled.
      const silent: Scope = {
        ...scope,
        signal: AbortSignal.any([scope.signal, timeout]),
        output: () => undefined,
        spawned: () => undefined,
      }
      const asked = async (argument: string): Promise<string | null> => {
        const { exitCode, stdout, stderrTail } = await shell
          .run({ argv: [program, argument], stdout: { text: 65_536 }, graceMilliseconds: 500 }, silent)
          .catch(failed)
        // An error message may have numbers that are none of its version.
        return versionIn(stdout) ?? (exitCode === 0 ? versionIn(stderrTail) : null)
      }
      const failed = (thrown: unknown): never => {
        if (scope.signal.aborted) throw scope.signal.reason
        throw cannot(
          'read',
          `the version of ${program}`,
          timeout.aborted ? `timed out after ${versionTimeout / 1000} s` : null,
          { code: 'preflight', cause: thrown, hint: `check: ${program} --version` },
        )
      }
      // Some know it as a command only, such as restic before 0.16.
      const version = (await asked('--version')) ?? (await asked('version'))
      if (version !== null) return version
      throw cannot('read', `the version of ${program}`, 'no version number in its output', {
        code: 'preflight',
        hint: `check: ${program} --version`,
      })
    },

    package: async (name) => packageFacts(name),

    async run(command) {
      const { exitCode } = await shell.run(
        {
          argv: command.argv,
          cwd: command.directory,
          env: await variablesFor(command),
        },
        scope,
      )
      return { exitCode }
    },
  }
}

/** The first dotted number: 15.18 in `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`. */
export function versionIn(text: string): string | null {
  return /(?<![\d.])\d+(?:\.\d+)+/.exec(text)?.[0] ?? /(?<![\w.-])\d+(?![\w.-])/.exec(text)?.[0] ?? null
}

const streamOf = (input: ScriptLine['input']): Readable | null =>
  input === null || input instanceof Readable ? input : Readable.from(input)

/** A copy of each chunk goes to the log; a reader that is slow slows the command, so that nothing piles up. */
const loggedTo = (output: ScriptSink, scope: Scope): Writable =>
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      scope.output(chunk)
      output.write(chunk, done)
    },
    final(done) {
      output.end(() => done())
    },
  })

async function environmentFor(
  command: Omit<Command, 'argv'>,
  secrets: Secrets,
): Promise<Record<string, string>> {
  const revealed = await Promise.all(
    Object.entries(command.secrets).map(
      async ([variable, handle]) => [variable, (await secrets.reveal(handle)).reveal()] as const,
    ),
  )
  return { ...command.environment, ...Object.fromEntries(revealed) }
}

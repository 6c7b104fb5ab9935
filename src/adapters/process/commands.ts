import type { Command, Commands } from '../../drivers/commands.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shell } from './shell.ts'

/** A program that does not say its version in this time will not say it. Milliseconds. */
const patience = 5_000

/** Programs of this machine. */
export function processCommands({
  scope,
  secrets,
}: {
  readonly scope: Scope
  readonly secrets: Secrets
}): Commands {
  return {
    async version(program) {
      if ((await shell.which(program)) === null) return null
      const late = AbortSignal.timeout(patience)
      // To ask a version is no effect, so neither log nor journal hears of it.
      const aside: Scope = {
        ...scope,
        signal: AbortSignal.any([scope.signal, late]),
        output: () => undefined,
        spawned: () => undefined,
      }
      const { stdout, stderrTail } = await shell
        .run({ argv: [program, '--version'], stdout: { text: 65_536 }, graceMilliseconds: 500 }, aside)
        .catch((thrown: unknown) => {
          if (scope.signal.aborted) throw scope.signal.reason
          throw new RunbookError(
            'preflight',
            `${program} --version ${late.aborted ? 'gave no answer' : 'failed'}`,
            { cause: thrown, hint: `${program} --version` },
          )
        })
      const version = versionIn(stdout) ?? versionIn(stderrTail)
      if (version !== null) return version
      throw new RunbookError('preflight', `${program} --version states no version`, {
        hint: `${program} --version`,
      })
    },

    async run(command) {
      const { exitCode } = await shell.run(
        { argv: command.argv, cwd: command.directory, env: await environmentFor(command, secrets) },
        scope,
      )
      return { exitCode }
    },
  }
}

/** The first dotted number: `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` states 15.18. */
export function versionIn(text: string): string | null {
  return /(?<![\d.])\d+(?:\.\d+)+/.exec(text)?.[0] ?? /(?<![\w.-])\d+(?![\w.-])/.exec(text)?.[0] ?? null
}

async function environmentFor(command: Command, secrets: Secrets): Promise<Record<string, string>> {
  const revealed = await Promise.all(
    Object.entries(command.secrets).map(
      async ([variable, handle]) => [variable, (await secrets.reveal(handle)).reveal()] as const,
    ),
  )
  return { ...command.environment, ...Object.fromEntries(revealed) }
}

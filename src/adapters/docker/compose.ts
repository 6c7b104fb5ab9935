import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shell, type Call, type Ended } from '../process/shell.ts'
import { configArgv, foretellUpArgv, remadeIn, versionArgv } from './compose-argv.ts'
import { parseConfig, type ComposeConfig } from './compose-config.ts'
import type { DockerEngine } from './connection.ts'

/** A configuration larger than this is none. */
const maxConfigBytes = 16 * 1024 * 1024

/** The `docker compose` command on one stack. */
export type Compose = {
  /**
   * What the stack's files say now, interpolated. Variables come from the stack and its env files only, not from the operator's shell.
   * @throws RunbookError `preflight` where a file is missing or wrong
   */
  config(stack: ComposeStack): Promise<ComposeConfig>
  /** Containers that `up` of some services would make anew. @throws RunbookError `preflight` where it could not */
  wouldRemake(stack: ComposeStack, services: readonly string[]): Promise<readonly string[]>
  /** `2.26.1`. @throws RunbookError `preflight` where the plugin is missing, or is version 1 */
  version(): Promise<string>
  /** Output goes to the step's log. @throws RunbookError `failed` for an exit code other than 0 */
  change(stack: ComposeStack, doing: string, argv: readonly string[]): Promise<void>
  /** An exit code is a value. */
  call(stack: ComposeStack, call: Pick<Call, 'argv' | 'stdin' | 'stdout' | 'endElsewhere'>): Promise<Ended>
}

export function compose(engine: DockerEngine, scope: Scope): Compose {
  const call = async (
    stack: ComposeStack,
    { argv, ...more }: Pick<Call, 'argv' | 'stdin' | 'stdout' | 'endElsewhere'>,
    as: Scope,
  ): Promise<Ended> =>
    shell.run(
      { argv, cwd: stack.directory, env: { ...stack.environment, ...engine.environment }, ...more },
      as,
    )
  return {
    async config(stack) {
      const ended = await call(
        stack,
        { argv: configArgv(stack), stdout: { text: maxConfigBytes } },
        looking(scope),
      )
      if (ended.exitCode === 0) return parseConfig(ended.stdout, stack.project)
      throw new RunbookError(
        'preflight',
        `Compose cannot read the files of ${stack.project}: ${ended.stderrTail.trim()}`,
        {
          hint: `docker compose ${stack.files.map((file) => `--file ${file}`).join(' ')} config --quiet`,
        },
      )
    },

    async wouldRemake(stack, services) {
      const ended = await call(
        stack,
        { argv: foretellUpArgv(stack, services), stdout: { text: maxConfigBytes } },
        looking(scope),
      )
      // It tells its progress by standard error.
      if (ended.exitCode === 0) return remadeIn(`${ended.stdout}\n${ended.stderrTail}`)
      throw new RunbookError(
        'preflight',
        `Compose could not bring up ${services.join(', ')}: ${lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`}`,
        {
          hint: `docker compose --project-name ${stack.project} ps --all`,
        },
      )
    },

    async version() {
      const ended = await shell.run(
        { argv: versionArgv, stdout: { text: 10_000 }, env: engine.environment },
        looking(scope),
      )
      const version = /\d+(?:\.\d+)+/.exec(ended.stdout)?.[0]
      if (ended.exitCode === 0 && version !== undefined && !version.startsWith('1.')) return version
      throw new RunbookError('preflight', 'Docker Compose 2 is not installed', {
        hint: 'install the Compose plugin of Docker, then: docker compose version',
      })
    },

    async change(stack, doing, argv) {
      let ended = await call(stack, { argv }, scope)
      // What stood in the way is gone when Compose returns.
      if (ended.exitCode !== 0 && metItsOwnLeftover(ended.stderrTail))
        ended = await call(stack, { argv }, scope)
      if (ended.exitCode === 0) return
      throw new RunbookError(
        'failed',
        `Compose could not ${doing}: ${lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`}`,
        {
          hint: `docker compose --project-name ${stack.project} ps --all`,
        },
      )
    },

    call: (stack, given) => call(stack, given, scope),
  }
}

/**
 * Compose makes the successor of a container as `ID_NAME`, and renames it when the old one has gone. Killed in between, it leaves one such,
 * which the next call takes for a surplus container: it removes it, and at the same time makes one of the same name. Which comes first is chance.
 */
const metItsOwnLeftover = (said: string): boolean =>
  /Conflict\. The container name "\/[0-9a-f]{12}_/.test(said)

/** To look is no effect, so the journal does not hear of it; warnings of Compose are the same each time, so neither does the log. */
const looking = (scope: Scope): Scope => ({ ...scope, output: () => undefined, spawned: () => undefined })

export const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? ''

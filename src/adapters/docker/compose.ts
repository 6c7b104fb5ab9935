import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { canonical, type JsonObject } from '../../kernel/json.ts'
import { composeLine } from '../../model/compose-line.ts'
import { shell, type Call, type Ended } from '../process/shell.ts'
import {
  configArgv,
  dryRunUpArgv,
  hashesArgv,
  recreatedIn,
  unexpandedConfigArgv,
  versionArgv,
} from './compose-argv.ts'
import {
  asVariables,
  environmentFilesIn,
  expandedIn,
  hashesIn,
  parseConfig,
  varied,
  withPaths,
  type ComposeConfig,
  type EnvironmentFiles,
  type Variation,
} from './compose-config.ts'
import { composeProgram, throughDocker } from './compose-program.ts'
import type { DockerEngine } from './connection.ts'

/** No Compose configuration is larger than this. */
const maxConfigBytes = 16 * 1024 * 1024

/** The `docker compose` command on one stack. */
export type Compose = {
  /**
   * The interpolated content of the stack's files. Variables come from the stack and its env files only, not
   * from the operator's shell.
   * @throws RunbookError `preflight` if a file is missing or invalid
   */
  config(stack: ComposeStack): Promise<ComposeConfig>
  /**
   * All that `config` is read from. It contains secrets.
   * @param override text of a Compose file that is merged last
   * @throws RunbookError `preflight` if a file is missing or invalid
   */
  document(stack: ComposeStack, override?: string): Promise<JsonObject>
  /**
   * The `env_file` of each service that has one, in order; paths absolute, with their variables expanded.
   * @throws RunbookError `preflight` if a file is missing or invalid
   */
  environmentFiles(stack: ComposeStack): Promise<EnvironmentFiles>
  /**
   * The hash of each service by which Compose recognises its containers as up to date, of a variation of the files.
   * @throws RunbookError `preflight` if a file is missing or invalid
   */
  hashes(
    stack: ComposeStack,
    variation: { readonly [service: string]: Variation },
  ): Promise<ReadonlyMap<string, string>>
  /**
   * Containers that `up` of some services would recreate.
   * @throws RunbookError `preflight` if `up` would fail
   */
  wouldRecreate(stack: ComposeStack, services: readonly string[]): Promise<readonly string[]>
  /** `2.26.1`. @throws RunbookError `preflight` if the plugin is missing or is version 1 */
  version(): Promise<string>
  /** Logs the output to the step's log. @throws RunbookError `failed` for an exit code other than 0 */
  change(stack: ComposeStack, doing: string, argv: readonly string[]): Promise<void>
  /** Returns the exit code instead of throwing. */
  call(stack: ComposeStack, call: Pick<Call, 'argv' | 'stdin' | 'stdout' | 'endElsewhere'>): Promise<Ended>
}

/** What Compose answered while only looks were going on, by the question. Contains secrets. */
export type ComposeAnswers = Map<string, Promise<Ended>>

/** @param answers a question that was answered in it is not asked again; null asks each time, since a run changes the answers */
export function compose(engine: DockerEngine, scope: Scope, answers: ComposeAnswers | null = null): Compose {
  const call = async (
    stack: ComposeStack,
    { argv, ...more }: Pick<Call, 'argv' | 'stdin' | 'stdout' | 'endElsewhere'>,
    inScope: Scope,
  ): Promise<Ended> =>
    shell.run(
      { argv, cwd: stack.directory, env: { ...stack.environment, ...engine.environment }, ...more },
      inScope,
    )
  const question = async (
    stack: ComposeStack | null,
    { argv, stdin }: Pick<Call, 'argv'> & { readonly stdin?: string },
  ): Promise<Ended> => {
    const given = {
      argv,
      ...(stdin === undefined ? {} : { stdin }),
      ...(stack === null ? {} : { cwd: stack.directory }),
      env: { ...stack?.environment, ...engine.environment },
    }
    const key = canonical(given as JsonObject)
    const asked = answers?.get(key)
    // The look that asked may have been cut short; the others ask for themselves.
    const known = asked && (await asked.catch(() => null))
    if (known) return known
    const answer = (async () => {
      const program = await composeProgram({ ...process.env, ...given.env })
      const words = argv.slice(throughDocker.length)
      return shell.run(
        { ...given, argv: [...program, ...words], stdout: { text: maxConfigBytes } },
        silent(scope),
      )
    })()
    answers?.set(key, answer)
    return answer
  }
  const read = async (
    stack: ComposeStack,
    given: { readonly argv: readonly string[]; readonly stdin?: string },
  ): Promise<string> => {
    const ended = await question(stack, given)
    if (ended.exitCode === 0) return ended.stdout
    const named = stack.project === '' ? stack.files.join(', ') : stack.project
    throw cannot('read', `the Compose files of ${named}`, withoutWarnings(ended.stderrTail), {
      code: 'preflight',
      hint: `check: ${composeLine(stack, 'config --quiet')}`,
    })
  }
  return {
    config: async (stack) => parseConfig(await read(stack, { argv: configArgv(stack) }), stack.project),

    async document(stack, override) {
      const call =
        override === undefined
          ? { argv: configArgv(stack) }
          : { argv: configArgv(stack, 'stdin'), stdin: override }
      return JSON.parse(await read(stack, call)) as JsonObject
    },

    async environmentFiles(stack) {
      const found = environmentFilesIn(await read(stack, { argv: unexpandedConfigArgv(stack) }))
      const written = [...found.values()].flat().flatMap(({ path }) => (path.includes('$') ? [path] : []))
      if (written.length === 0) return found
      const asking = { argv: configArgv({ ...stack, files: ['-'] }), stdin: asVariables(written) }
      return withPaths(found, expandedIn(await read(stack, asking), written))
    },

    async hashes(stack, variation) {
      const stdin = varied(await read(stack, { argv: configArgv(stack) }), variation)
      return hashesIn(await read(stack, { argv: hashesArgv(stack), stdin }))
    },

    async wouldRecreate(stack, services) {
      const ended = await question(stack, { argv: dryRunUpArgv(stack, services) })
      // Compose writes its progress to stderr.
      if (ended.exitCode === 0) return recreatedIn(`${ended.stdout}\n${ended.stderrTail}`)
      throw cannot(
        'predict',
        `what up of ${services.join(', ')} would do`,
        lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`,
        {
          code: 'preflight',
          hint: `check: ${composeLine(stack, 'ps --all')}`,
        },
      )
    },

    async version() {
      const ended = await question(null, { argv: versionArgv })
      const version = /\d+(?:\.\d+)+/.exec(ended.stdout)?.[0]
      if (ended.exitCode === 0 && version !== undefined && !version.startsWith('1.')) return version
      throw cannot('use', 'Docker Compose', 'version 2 is not installed', {
        code: 'preflight',
        hint: 'install the Compose plugin of Docker, then check: docker compose version',
      })
    },

    async change(stack, doing, argv) {
      let ended = await call(stack, { argv }, scope)
      // Compose has removed the conflicting container when it returns.
      if (ended.exitCode !== 0 && conflictsWithLeftover(ended.stderrTail))
        ended = await call(stack, { argv }, scope)
      if (ended.exitCode === 0) return
      throw new RunbookError(
        'failed',
        `cannot ${doing}: ${lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`}`,
        { hint: `check: ${composeLine(stack, 'ps --all')}` },
      )
    },

    call: (stack, given) => call(stack, given, scope),
  }
}

/**
 * Compose creates the successor of a container as `ID_NAME` and renames it after removing the old one. If
 * killed in between it leaves `ID_NAME`, and its next call removes that container while creating one of the
 * same name: a race.
 */
const conflictsWithLeftover = (stderr: string): boolean =>
  /Conflict\. The container name "\/[0-9a-f]{12}_/.test(stderr)

/** Compose also warns about each variable that is not set, before what it refuses. */
function withoutWarnings(stderr: string): string {
  const lines = stderr.trim().split('\n')
  const rest = lines.filter((line) => !/^time="[^"]*" level=warning /.test(line))
  return (rest.length === 0 ? lines : rest).join('\n')
}

/** Reading has no effect, so it is not journaled; the repeated warnings of Compose are not logged either. */
const silent = (scope: Scope): Scope => ({ ...scope, output: () => undefined, spawned: () => undefined })

export const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? ''

import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { ContainerInspectInfo } from 'dockerode'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposePostgres, ThrowawayPostgres } from '../../drivers/databases.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shell, type Call, type Ended } from '../process/shell.ts'
import { dockerEngine, nullIfNotFound, type DockerEngine } from './connection.ts'
import { runningContainer } from './containers.ts'
import { endArgv, execArgv } from './exec-argv.ts'
import { execsIn } from './execs.ts'

export type ExecCall = Pick<Call, 'argv' | 'env' | 'stdin' | 'stdout' | 'graceMilliseconds'> & {
  /** As `docker exec --user`; defaults to the image's user. */
  readonly user?: string
}

const defaultGrace = 1_000

/**
 * Runs a program in the running container of a service until it exits. When scope.signal aborts, the program
 * is ended in the container too.
 *
 * Uses the `docker` command and not the API: end of input arrives on every kind of connection (unix, TLS,
 * ssh), pipes give backpressure, the exit code comes with the same call, and large data need not pass through
 * this process.
 *
 * A program that reads a stream sees end of file when this process is killed; see {@link Call.stdin}. The
 * image must have env(1), and sh and grep for the program to be ended.
 * @throws RunbookError `preflight` if the service is not running or Docker does not answer; `in-doubt` if the
 *   program could not be ended in the container, or the connection to Docker was lost while it ran; `failed`
 *   if the container stopped while it ran. An exit code is a value: 126 and 127 also mean that the program is
 *   missing in the container.
 */
export async function execIn(
  stack: ComposeStack,
  service: string,
  call: ExecCall,
  scope: Scope,
  engine: DockerEngine = dockerEngine(),
): Promise<Ended> {
  const container = await runningContainer(engine, scope, stack, service)
  return execInContainer(container, call, scope, engine)
}

/** The same in the container of a database: that of a service, or a throwaway. */
export const execAtDatabase = (
  place: ComposePostgres | ThrowawayPostgres,
  call: ExecCall,
  scope: Scope,
  engine: DockerEngine = dockerEngine(),
): Promise<Ended> =>
  place.kind === 'compose'
    ? execIn(place.stack, place.service, call, scope, engine)
    : execInContainer(place.container, call, scope, engine)

/** The same in a container given by its id. */
export async function execInContainer(
  container: string,
  call: ExecCall,
  scope: Scope,
  engine: DockerEngine,
): Promise<Ended> {
  const tags = { run: scope.run, step: scope.step, call: randomBytes(8).toString('hex') }
  const { argv, env = {}, user, stdin = 'none', graceMilliseconds = defaultGrace, ...rest } = call
  const words = {
    argv,
    envNames: Object.keys(env),
    stdin: stdin !== 'none',
    ...(user === undefined ? {} : { user }),
  }
  // Waited for once: at the second end the client has exited, so nothing starts any more.
  let started: Promise<void> | undefined
  const begun = (): Promise<void> => (started ??= untilStarted(container, tags.call, scope, engine))
  const ended = await shell.run(
    {
      ...rest,
      argv: execArgv(container, words, tags),
      env: { ...env, ...engine.environment },
      stdin,
      graceMilliseconds,
      // Before its client: when the client exits the program sees end of file, and must not accept a
      // truncated input.
      endElsewhere: async () => {
        await begun()
        await endExec(container, user, `RUNBOOK_CALL=${tags.call}`, graceMilliseconds, scope, engine)
      },
    },
    scope,
  )
  if (ended.exitCode !== 0) await mustStillAnswer(argv[0] ?? '', ended.exitCode, container, scope, engine)
  return ended
}

/** Exit codes of a program whose container died under it. A program may also return them on its own. */
const deathCodes: readonly (number | null)[] = [126, 137]

/** Milliseconds until the daemon has noticed that a container died: its programs are gone before. */
const noticeTimeout = 2_000

/**
 * When the daemon dies its client exits with 255 or 1, as a program may, while the program in the container
 * lives on. When the container dies it exits with 137 or 126, which says nothing about what the program read.
 */
async function mustStillAnswer(
  program: string,
  exitCode: number | null,
  container: string,
  scope: Scope,
  engine: DockerEngine,
): Promise<void> {
  const name = container.slice(0, 12)
  const noticed = AbortSignal.timeout(noticeTimeout)
  for (;;) {
    const found = await stateAfter(program, container, scope, engine)
    if (found?.State.Running !== true || found.State.Restarting)
      throw new RunbookError(
        'failed',
        found === null
          ? `container ${name} was removed while ${program} ran in it`
          : `container ${found.Name.replace(/^\//, '')} stopped while ${program} ran in it (exit code ${found.State.ExitCode})`,
        {
          hint:
            found === null
              ? 'check: docker ps --all'
              : `start it: docker start ${found.Name.replace(/^\//, '')}`,
          down: found === null ? name : found.Name.replace(/^\//, ''),
        },
      )
    if (!deathCodes.includes(exitCode) || noticed.aborted) return
    await setTimeout(100, undefined, { signal: scope.signal })
  }
}

/** Null if the container is gone. */
const stateAfter = (
  program: string,
  container: string,
  scope: Scope,
  engine: DockerEngine,
): Promise<ContainerInspectInfo | null> =>
  engine
    .ask(scope, {
      doing: `check how ${program} ended`,
      ask: async (docker, signal) =>
        docker
          .getContainer(container)
          .inspect({ abortSignal: signal })
          .catch((thrown: unknown) => nullIfNotFound(thrown)),
    })
    .catch((thrown: unknown) => {
      if (scope.signal.aborted) throw thrown
      throw new RunbookError(
        'in-doubt',
        `lost the connection to Docker while ${program} ran in container ${container.slice(0, 12)}`,
        { cause: thrown, hint: 'check: docker info' },
      )
    })

/** Milliseconds, on a busy machine, from the start of the client to that of the program in the container. */
const startTimeout = 5_000

/**
 * Returns once the program runs in the container, or after the timeout. If the client ended before that, a
 * request already sent would still start the program, with an empty input.
 */
async function untilStarted(
  container: string,
  call: string,
  scope: Scope,
  engine: DockerEngine,
): Promise<void> {
  // The step's own signal has aborted already.
  const signal = AbortSignal.timeout(startTimeout)
  const waitScope = { ...scope, signal }
  try {
    for (;;) {
      const running = await execsIn(container, waitScope, engine)
      if (running.some(({ tags }) => tags.call === call)) return
      await setTimeout(20, undefined, { signal })
    }
  } catch {
    // `endExec` decides whether the program can be ended.
  }
}

/** Milliseconds for `docker exec` itself to start and report, on a busy machine. */
const overhead = 2_000

/**
 * Ends the processes with a tag in a container.
 * @throws RunbookError `in-doubt` unless they have certainly ended
 */
export async function endExec(
  container: string,
  user: string | undefined,
  tag: string,
  graceMilliseconds: number,
  scope: Scope,
  engine: DockerEngine,
): Promise<void> {
  // The step's own signal has aborted already, and ending a program is not an effect of the step.
  const cleanup = {
    ...scope,
    step: `${scope.step}:end`,
    signal: AbortSignal.timeout(graceMilliseconds + overhead),
  }
  const doubt = (cause: unknown): RunbookError =>
    cannot('end', `a program in container ${container.slice(0, 12)}`, null, {
      code: 'in-doubt',
      cause,
      hint: `check: docker top ${container.slice(0, 12)}`,
    })
  const ended = await shell
    .run(
      {
        argv: endArgv(container, user, tag, graceMilliseconds),
        env: engine.environment,
        graceMilliseconds: 200,
      },
      cleanup,
    )
    .catch((thrown: unknown) => {
      throw doubt(thrown)
    })
  if (ended.exitCode !== 0 && !/is not running|No such container/i.test(ended.stderrTail)) {
    throw doubt(ended.stderrTail.trim() || `exit code ${ended.exitCode}`)
  }
}

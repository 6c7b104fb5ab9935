import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposePostgres, ThrowawayPostgres } from '../../drivers/databases.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shell, type Call, type Ended } from '../process/shell.ts'
import { dockerEngine, type DockerEngine } from './connection.ts'
import { runningContainer } from './containers.ts'
import { endArgv, execArgv } from './exec-argv.ts'
import { execsIn } from './execs.ts'

export type ExecCall = Pick<Call, 'argv' | 'env' | 'stdin' | 'stdout' | 'graceMilliseconds'> & {
  /** As `docker exec --user`; the image's own user when left out. */
  readonly user?: string
}

const defaultGrace = 1_000

/**
 * Runs a program inside the running container of a service: to its end, or until scope.signal aborts, and then it is ended in there too.
 *
 * By the `docker` command and not over the API: its end of input arrives on every kind of connection (unix, TLS, ssh), pipes hold
 * back a side that is too fast, an exit code comes with the same call, and large data need not pass through this process at all.
 *
 * A program fed by a stream sees the end of its input when we are killed; see {@link Call.stdin}. The image must have env(1), and for
 * being ended sh and grep.
 * @throws RunbookError `preflight` where the service does not run or Docker does not answer; `in-doubt` where the program could not be
 *   ended in the container, or Docker went away while it ran. An exit code is a value: 126 and 127 are also those of a program that is missing there.
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

/** The same where a database lives: in a service's container, or in one that a run made for itself. */
export const execWhere = (
  place: ComposePostgres | ThrowawayPostgres,
  call: ExecCall,
  scope: Scope,
): Promise<Ended> =>
  place.kind === 'compose'
    ? execIn(place.stack, place.service, call, scope)
    : execInContainer(place.container, call, scope, dockerEngine())

/** The same in a container that is already known. */
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
  // Asked for once: the client is gone when it is ended for the second time, and nothing begins any more.
  let asked: Promise<void> | undefined
  const begun = (): Promise<void> => (asked ??= untilBegun(container, tags.call, scope, engine))
  const ended = await shell.run(
    {
      ...rest,
      argv: execArgv(container, words, tags),
      env: { ...env, ...engine.environment },
      stdin,
      graceMilliseconds,
      // Before its client: the end of the client is the end of the program's input, and half an input must not pass for the whole.
      endElsewhere: async () => {
        await begun()
        await endExec(container, user, `RUNBOOK_CALL=${tags.call}`, graceMilliseconds, scope, engine)
      },
    },
    scope,
  )
  if (ended.exitCode !== 0) await mustStillAnswer(argv[0] ?? '', container, scope, engine)
  return ended
}

/** A daemon that dies takes the client with it, which ends with 255 or 1 as a program may; but what it started in the container lives on. */
async function mustStillAnswer(
  program: string,
  container: string,
  scope: Scope,
  engine: DockerEngine,
): Promise<void> {
  await engine
    .ask(scope, { doing: `see how ${program} ended`, ask: (docker) => docker.ping() })
    .catch((thrown: unknown) => {
      if (scope.signal.aborted) throw thrown
      throw new RunbookError(
        'in-doubt',
        `Docker went away while ${program} ran in the container ${container.slice(0, 12)}`,
        { cause: thrown, hint: 'docker info' },
      )
    })
}

/** Milliseconds that a client may take, on a busy machine, from its own start to that of the program in the container. */
const beginning = 5_000

/**
 * Returns once the program runs in the container, or there is no telling. Ended before it has begun, it would begin all the same when its
 * client has sent the request already, and find its input at an end.
 */
async function untilBegun(
  container: string,
  call: string,
  scope: Scope,
  engine: DockerEngine,
): Promise<void> {
  // The step's own signal has aborted already.
  const signal = AbortSignal.timeout(beginning)
  const look = { ...scope, signal }
  try {
    for (;;) {
      const running = await execsIn(container, look, engine)
      if (running.some(({ tags }) => tags.call === call)) return
      await setTimeout(20, undefined, { signal })
    }
  } catch {
    // Whether it can be ended is for `endExec` to say.
  }
}

/** Milliseconds for `docker exec` itself to start and report, on a busy machine. */
const overhead = 2_000

/** Ends what carries a tag in a container. @throws RunbookError `in-doubt` where it is not certainly gone */
export async function endExec(
  container: string,
  user: string | undefined,
  tag: string,
  graceMilliseconds: number,
  scope: Scope,
  engine: DockerEngine,
): Promise<void> {
  // The step's own signal has aborted already, and what ends a program is not the step's effect.
  const mopUp = {
    ...scope,
    step: `${scope.step}:end`,
    signal: AbortSignal.timeout(graceMilliseconds + overhead),
  }
  const doubt = (cause: unknown): RunbookError =>
    new RunbookError(
      'in-doubt',
      `a program that was started in the container ${container.slice(0, 12)} could not be ended`,
      {
        cause,
        hint: `docker top ${container.slice(0, 12)}`,
      },
    )
  const ended = await shell
    .run(
      {
        argv: endArgv(container, user, tag, graceMilliseconds),
        env: engine.environment,
        graceMilliseconds: 200,
      },
      mopUp,
    )
    .catch((thrown: unknown) => {
      throw doubt(thrown)
    })
  if (ended.exitCode !== 0 && !/is not running|No such container/i.test(ended.stderrTail)) {
    throw doubt(ended.stderrTail.trim() || `exit code ${ended.exitCode}`)
  }
}

import { randomBytes } from 'node:crypto'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { runArgv } from './compose-argv.ts'
import { lastLine, type Compose } from './compose.ts'
import { statusOf, type DockerEngine } from './connection.ts'
import { instanceOf } from './container-state.ts'
import { runLabels } from './run-labels.ts'

export type OneOff = {
  readonly stack: ComposeStack
  readonly service: string
  readonly words: readonly string[]
  /** Where Compose would build it. */
  readonly builtImage: string | null
  /** What it has that the stack's files do not say of the service, as they would say it. */
  readonly over?: JsonObject | null
  /** Bytes of its standard output to collect at the most; it goes to the step's log when left out. */
  readonly collect?: number | null
}

/** How a one-off ended; `stdout` is empty unless it was collected. */
export type Once = { readonly exitCode: number; readonly stdout: string; readonly stderrTail: string }

type Means = { readonly engine: DockerEngine; readonly command: Compose; readonly scope: Scope }

/**
 * Runs a service once in a container of its own, which is gone when this returns, however it ends. Its exit code is the one that Docker
 * kept, for that of the client may mean something else (125: Docker failed).
 * @throws RunbookError `preflight` where its image would have to be built; `failed` where it did not start, or ran out of memory
 */
export async function runOnce(oneOff: OneOff, means: Means): Promise<Once> {
  const { stack, service, words, over = null, collect = null } = oneOff
  const { engine, command, scope } = means
  await mustHaveImage(oneOff, means)
  const container = `${stack.project}-${service}-run-${randomBytes(6).toString('hex')}`
  const argv = runArgv(
    stack,
    service,
    words,
    container,
    runLabels(scope.run, scope.step),
    over === null ? 'nothing' : 'stdin',
  )
  try {
    const ended = await command.call(stack, {
      argv,
      ...(over === null ? {} : { stdin: JSON.stringify({ services: { [service]: over } }) }),
      ...(collect === null ? {} : { stdout: { text: collect } }),
      endElsewhere: () => removeContainer(engine, scope, container),
    })
    const inspected = await inspectEnded(container, means)
    if (inspected === null) {
      throw new RunbookError(
        'failed',
        `${service} of ${stack.project} could not be run: ${lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`}`,
        {
          hint: `docker compose --project-name ${stack.project} run --rm ${service}`,
        },
      )
    }
    const { exitCode, outOfMemory } = instanceOf(inspected)
    if (outOfMemory) {
      throw new RunbookError('failed', `${service} of ${stack.project} was killed for want of memory`, {
        hint: `give ${service} more memory in the stack's files, then resume`,
      })
    }
    return { exitCode: exitCode ?? ended.exitCode, stdout: ended.stdout, stderrTail: ended.stderrTail }
  } finally {
    await removeContainer(engine, scope, container)
  }
}

/** `docker compose run` builds what is not there, and nothing is ever built here. What a registry has, Compose fetches. */
async function mustHaveImage(
  { stack, service, builtImage: image }: OneOff,
  { engine, scope }: Means,
): Promise<void> {
  if (image === null) return
  const there = await engine
    .ask(scope, {
      doing: `look for the image of ${service}`,
      ask: (docker) => docker.getImage(image).inspect(),
    })
    .then(
      () => true,
      (thrown: unknown) => {
        if (statusOf(thrown) === 404) return false
        throw thrown
      },
    )
  if (!there) {
    throw new RunbookError(
      'preflight',
      `the image of ${service} (${image}) is not on this machine, and would have to be built`,
      {
        hint: `docker compose --project-name ${stack.project} build ${service}`,
      },
    )
  }
}

/** Null where it was never made, or never started. */
async function inspectEnded(container: string, { engine, scope }: Means) {
  const inspected = await engine
    .ask(scope, {
      doing: `look at the end of ${container}`,
      ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
    })
    .catch((thrown: unknown) => {
      if (statusOf(thrown) === 404) return null
      throw thrown
    })
  return inspected?.State.Status === 'exited' ? inspected : null
}

/** Kills and removes; one that is not there is no error. A step's own signal may have aborted, so this has a time of its own. */
export async function removeContainer(engine: DockerEngine, scope: Scope, container: string): Promise<void> {
  const mopUp = { ...scope, signal: AbortSignal.timeout(10_000) }
  await engine
    .ask(mopUp, {
      doing: `remove the container ${container}`,
      changesWithinSeconds: 10,
      ask: (docker) => docker.getContainer(container).remove({ force: true, v: true }),
    })
    .catch((thrown: unknown) => {
      // 409: another one is removing it already.
      if (statusOf(thrown) === 404 || statusOf(thrown) === 409) return
      throw new RunbookError('in-doubt', `the container ${container} may still run`, {
        cause: thrown,
        hint: `docker rm --force ${container}`,
      })
    })
}

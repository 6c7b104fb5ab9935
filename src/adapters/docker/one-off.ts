import { randomBytes } from 'node:crypto'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { cannot } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { composeLine } from '../../model/compose-line.ts'
import { runArgv } from './compose-argv.ts'
import { lastLine, type Compose } from './compose.ts'
import { statusOf, type DockerEngine } from './connection.ts'
import { instanceOf } from './container-state.ts'
import { runLabels } from './run-labels.ts'

export type OneOff = {
  readonly stack: ComposeStack
  readonly service: string
  readonly words: readonly string[]
  /** The name of the image if Compose would build it; null otherwise. */
  readonly builtImage: string | null
  /** Overrides the service in the stack's files, in their format. */
  readonly override?: JsonObject | null
  /** Maximum number of bytes of stdout to collect; stdout goes to the step's log if omitted. */
  readonly collect?: number | null
}

/** How a one-off ended; `stdout` is empty unless it was collected. */
export type OneOffResult = { readonly exitCode: number; readonly stdout: string; readonly stderrTail: string }

type OneOffDeps = { readonly engine: DockerEngine; readonly command: Compose; readonly scope: Scope }

/**
 * Runs a service once in a container of its own, which is always removed before this returns. The exit code
 * is the one that Docker recorded, since that of the client may mean something else (125: Docker failed).
 * @throws RunbookError `preflight` if the image would have to be built; `failed` if it did not start, or ran
 *   out of memory
 */
export async function runOnce(oneOff: OneOff, means: OneOffDeps): Promise<OneOffResult> {
  const { stack, service, words, override = null, collect = null } = oneOff
  const { engine, command, scope } = means
  await mustHaveImage(oneOff, means)
  const container = `${stack.project}-${service}-run-${randomBytes(6).toString('hex')}`
  const argv = runArgv(
    stack,
    service,
    words,
    container,
    runLabels(scope.run, scope.step),
    override === null ? 'none' : 'stdin',
  )
  try {
    const ended = await command.call(stack, {
      argv,
      ...(override === null ? {} : { stdin: JSON.stringify({ services: { [service]: override } }) }),
      ...(collect === null ? {} : { stdout: { text: collect } }),
      endElsewhere: () => removeContainer(engine, scope, container),
    })
    const inspected = await inspectEnded(container, means)
    if (inspected === null) {
      throw cannot(
        'run',
        `${service} of ${stack.project}`,
        lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`,
        {
          code: 'failed',
          hint: `try: ${composeLine(stack, `run --rm ${service}`)}`,
        },
      )
    }
    const { exitCode, outOfMemory } = instanceOf(inspected)
    if (outOfMemory) {
      throw cannot('run', `${service} of ${stack.project}`, 'killed, out of memory', {
        code: 'failed',
        hint: `give ${service} more memory in the stack's files, then resume`,
      })
    }
    return { exitCode: exitCode ?? ended.exitCode, stdout: ended.stdout, stderrTail: ended.stderrTail }
  } finally {
    await removeContainer(engine, scope, container)
  }
}

/**
 * `docker compose run` builds a missing image, which must not happen here. Compose pulls images of a
 * registry.
 */
async function mustHaveImage(
  { stack, service, builtImage: image }: OneOff,
  { engine, scope }: OneOffDeps,
): Promise<void> {
  if (image === null) return
  const there = await engine
    .ask(scope, {
      doing: `inspect the image of ${service}`,
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
    throw cannot(
      'run',
      `${service} of ${stack.project}`,
      `image ${image} not found on this machine, and images are not built here`,
      {
        code: 'preflight',
        hint: `try: ${composeLine(stack, `build ${service}`)}`,
      },
    )
  }
}

/** Null if it was never created or never started. */
async function inspectEnded(container: string, { engine, scope }: OneOffDeps) {
  const inspected = await engine
    .ask(scope, {
      doing: `inspect container ${container}`,
      ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
    })
    .catch((thrown: unknown) => {
      if (statusOf(thrown) === 404) return null
      throw thrown
    })
  return inspected?.State.Status === 'exited' ? inspected : null
}

/**
 * Kills and removes a container; a missing one is not an error. Has its own timeout, as the step's signal may
 * have aborted.
 */
export async function removeContainer(engine: DockerEngine, scope: Scope, container: string): Promise<void> {
  const cleanup = { ...scope, signal: AbortSignal.timeout(10_000) }
  await engine
    .ask(cleanup, {
      doing: `remove container ${container}`,
      changesWithinSeconds: 10,
      ask: (docker) => docker.getContainer(container).remove({ force: true, v: true }),
    })
    .catch((thrown: unknown) => {
      // 409: its removal is already in progress.
      if (statusOf(thrown) === 404 || statusOf(thrown) === 409) return
      throw cannot('remove', `container ${container}`, 'it may still be running', {
        code: 'in-doubt',
        cause: thrown,
        hint: `try: docker rm --force ${container}`,
      })
    })
}

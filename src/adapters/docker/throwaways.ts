import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type Dockerode from 'dockerode'
import type { Containers, Throwaway, ThrowawayFacts } from '../../drivers/containers.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { dockerEngine, statusOf, type DockerEngine } from './connection.ts'
import { textOfFrames } from './log-frames.ts'
import { removeContainer } from './one-off.ts'
import { throwawayLabel } from './run-labels.ts'

/** Seconds for making and starting, on a busy machine. */
const longestStart = 60

/** A limit, not a reservation. The 64 MB of Docker are too little for the parallel workers of a Postgres that builds an index. */
const sharedMemory = 1024 ** 3

const polls = 50
const pollMilliseconds = 200

/** Throwaway containers over the API of the engine. */
export function dockerThrowaways({
  scope,
  engine = dockerEngine(),
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
}): Containers {
  const inspect = (name: string): Promise<Dockerode.ContainerInspectInfo | null> =>
    engine
      .ask(scope, {
        doing: `look at the container ${name}`,
        ask: (docker, abortSignal) => docker.getContainer(name).inspect({ abortSignal }),
      })
      .catch(nullWhereMissing)

  const state = async (name: string): Promise<ThrowawayFacts | null> => {
    const found = await inspect(name)
    return found === null ? null : factsOf(found)
  }

  return {
    state,

    async log(name, lines) {
      const said = await engine
        .ask(scope, {
          doing: `read the log of ${name}`,
          ask: (docker, abortSignal) =>
            docker.getContainer(name).logs({
              stdout: true,
              stderr: true,
              follow: false,
              tail: lines,
              abortSignal,
            }) as Promise<unknown>,
        })
        .catch(nullWhereMissing)
      return Buffer.isBuffer(said) ? textOfFrames(said) : ''
    },

    async start(throwaway) {
      const { name } = throwaway
      await engine.ask(scope, {
        doing: `make the container ${name}`,
        changesWithinSeconds: longestStart,
        ask: (docker, abortSignal) => docker.createContainer({ ...optionsOf(throwaway, scope), abortSignal }),
      })
      try {
        await engine.ask(scope, {
          doing: `start the container ${name}`,
          changesWithinSeconds: longestStart,
          ask: (docker, abortSignal) => docker.getContainer(name).start({ abortSignal }),
        })
        const facts = await state(name)
        if (facts !== null) return facts
        throw new RunbookError('failed', `the container ${name} was gone at once`, {
          hint: 'find out who removes containers',
        })
      } catch (thrown) {
        await removeContainer(engine, scope, name)
        throw thrown
      }
    },

    async remove(name) {
      const found = await inspect(name)
      if (found === null) return
      if (found.Config.Labels[throwawayLabel] === undefined) {
        throw new RunbookError('failed', `the container ${name} was made by no run, so it stays`, {
          hint: `docker inspect ${name}`,
        })
      }
      await removeContainer(engine, scope, found.Id)
      // Somebody else may be at it too, and then that call has returned early.
      for (let poll = 0; (await inspect(found.Id)) !== null; poll += 1) {
        if (poll === polls)
          throw new RunbookError('failed', `the container ${name} does not go away`, {
            hint: `docker rm --force --volumes ${name}`,
          })
        await setTimeout(pollMilliseconds, undefined, { signal: scope.signal })
      }
    },
  }
}

function optionsOf(
  { name, image, command, environment, random }: Throwaway,
  { run, step }: Pick<Scope, 'run' | 'step'>,
): Dockerode.ContainerCreateOptions {
  const drawn = randomBytes(24).toString('hex')
  const variables = { ...environment, ...Object.fromEntries(random.map((variable) => [variable, drawn])) }
  return {
    name,
    Image: image,
    ...(command.length === 0 ? {} : { Cmd: [...command] }),
    Env: Object.entries(variables).map(([variable, value]) => `${variable}=${value}`),
    Labels: { [throwawayLabel]: run, [`${throwawayLabel}.step`]: step },
    // The image's own check would run to no end, and nobody asks it.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: { NetworkMode: 'none', ShmSize: sharedMemory, AutoRemove: false },
  }
}

function factsOf({ Id, Image, Config, State }: Dockerode.ContainerInspectInfo): ThrowawayFacts {
  const ended = State.Status === 'exited' || State.Status === 'dead'
  return {
    id: Id,
    image: Config.Image,
    imageId: Image,
    state: State.Running ? 'running' : 'stopped',
    exitCode: ended ? State.ExitCode : null,
  }
}

function nullWhereMissing(thrown: unknown): null {
  if (statusOf(thrown) === 404) return null
  throw thrown
}

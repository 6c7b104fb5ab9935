import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type Dockerode from 'dockerode'
import type { ContainerMount, Containers, Throwaway, ThrowawayFacts } from '../../drivers/containers.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { dockerEngine, isDaemonDown, nullIfNotFound, type DockerEngine } from './connection.ts'
import { textOfFrames } from './log-frames.ts'
import { removeContainer } from './one-off.ts'
import { throwawayLabel } from './run-labels.ts'

/** Seconds to create or start a container, on a busy machine. */
const startTimeout = 60

/** Bytes; a limit, not a reservation. Docker's 64 MB are too few for parallel index builds of Postgres. */
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
        doing: `inspect container ${name}`,
        ask: (docker, abortSignal) => docker.getContainer(name).inspect({ abortSignal }),
      })
      .catch(nullIfNotFound)

  const state = async (name: string): Promise<ThrowawayFacts | null> => {
    const found = await inspect(name)
    return found === null ? null : factsOf(found)
  }

  const running = async (id: string): Promise<string | null> => {
    const found = await inspect(id)
    return found?.State.Running === true ? found.State.StartedAt : null
  }

  return {
    state,

    async mounts() {
      const all = await engine
        .ask(scope, {
          doing: 'list the mounts of all containers',
          ask: (docker, abortSignal) => docker.listContainers({ all: true, abortSignal }),
        })
        .catch((thrown: unknown) => {
          if (isDaemonDown(thrown)) return null
          throw thrown
        })
      if (all === null) return null
      const hasVolumes = all.some(({ Mounts }) => Mounts.some(({ Type }) => Type === 'volume'))
      // After the containers: a volume that is missing here is gone.
      const bound = hasVolumes ? await boundVolumes(engine, scope) : new Map<string, string>()
      const mounts: ContainerMount[] = []
      for (const { Id, Names, Mounts, State } of all) {
        const sources = Mounts.flatMap(({ Type, Name, Source }) => sourceOf(Type, Name, Source, bound))
        if (sources.length === 0) continue
        const since = State === 'running' ? await running(Id) : null
        const container = Names[0]?.replace(/^\//, '') ?? Id
        mounts.push(...sources.map((source) => ({ container, ...source, since })))
      }
      return mounts
    },

    async log(name, lines) {
      const log = await engine
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
        .catch(nullIfNotFound)
      return Buffer.isBuffer(log) ? textOfFrames(log) : ''
    },

    async start(throwaway) {
      const { name } = throwaway
      await engine.ask(scope, {
        doing: `create container ${name}`,
        changesWithinSeconds: startTimeout,
        ask: (docker, abortSignal) => docker.createContainer({ ...optionsOf(throwaway, scope), abortSignal }),
      })
      try {
        await engine.ask(scope, {
          doing: `start container ${name}`,
          changesWithinSeconds: startTimeout,
          ask: (docker, abortSignal) => docker.getContainer(name).start({ abortSignal }),
        })
        const facts = await state(name)
        if (facts !== null) return facts
        throw new RunbookError('failed', `container ${name} was removed right after it was started`, {
          hint: 'check what removes containers: docker events',
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
        throw cannot('remove', `container ${name}`, 'it was not created by a run', {
          code: 'failed',
          hint: `check: docker inspect ${name}`,
        })
      }
      await removeContainer(engine, scope, found.Id)
      // The call returns early if the removal is already in progress.
      for (let poll = 0; (await inspect(found.Id)) !== null; poll += 1) {
        if (poll === polls)
          throw cannot(
            'remove',
            `container ${name}`,
            `it still exists after ${(polls * pollMilliseconds) / 1000} s`,
            { code: 'failed', hint: `try: docker rm --force --volumes ${name}` },
          )
        await setTimeout(pollMilliseconds, undefined, { signal: scope.signal })
      }
    },
  }
}

/** Where volumes are that the engine binds to a path of the machine, by name. */
async function boundVolumes(engine: DockerEngine, scope: Scope): Promise<ReadonlyMap<string, string>> {
  const { Volumes } = await engine.ask(scope, {
    doing: 'list the volumes',
    ask: (docker, abortSignal) => docker.listVolumes({ abortSignal }),
  })
  return new Map(
    Volumes.flatMap(({ Name, Options }) => {
      const device = deviceOf(Options)
      return device === null ? [] : [[Name, device] as const]
    }),
  )
}

/** The path that a volume is bound to, by the options of mount(8) that it was created with; null for any other. Pure. */
export function deviceOf(options: { readonly [name: string]: string } | null): string | null {
  const { o = '', device = '' } = options ?? {}
  const isBound = o.split(',').some((option) => ['bind', 'rbind'].includes(option.trim()))
  return isBound && device.startsWith('/') ? device : null
}

function sourceOf(
  type: string,
  name: string | undefined,
  source: string,
  bound: ReadonlyMap<string, string>,
): readonly Pick<ContainerMount, 'source' | 'volume'>[] {
  if (type !== 'volume' || name === undefined) return source === '' ? [] : [{ source, volume: null }]
  const device = bound.get(name)
  if (device !== undefined) return [{ source: device, volume: null }]
  return source === '' ? [] : [{ source, volume: name }]
}

function optionsOf(
  { name, image, command, environment, random }: Throwaway,
  { run, step }: Pick<Scope, 'run' | 'step'>,
): Dockerode.ContainerCreateOptions {
  const password = randomBytes(24).toString('hex')
  const variables = { ...environment, ...Object.fromEntries(random.map((variable) => [variable, password])) }
  return {
    name,
    Image: image,
    ...(command.length === 0 ? {} : { Cmd: [...command] }),
    Env: Object.entries(variables).map(([variable, value]) => `${variable}=${value}`),
    Labels: { [throwawayLabel]: run, [`${throwawayLabel}.step`]: step },
    // The result of the image's own check is not used.
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

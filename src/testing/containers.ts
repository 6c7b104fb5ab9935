import type { Containers, ThrowawayFacts } from '../drivers/containers.ts'
import type { Database, PostgresDatabase } from '../drivers/databases.ts'
import type { Scope } from '../drivers/scope.ts'
import { RunbookError } from '../kernel/errors.ts'
import { fakeServer, type FakeServer } from './fake-server.ts'
import type { ImageStore } from './images.ts'
import type { FakeService } from './instances.ts'

export type FakeContainer = {
  readonly image: string
  readonly imageId: string
  state: 'running' | 'stopped'
  exitCode: number | null
  log: string
  /** The run that created it; null where no run did. */
  readonly madeBy: string | null
  /** The server in it, at the container's own address. */
  readonly server: FakeServer | null
  /** Folders and files of the machine that it mounts. */
  readonly mounts?: readonly string[]
  /** Since when it runs, where that matters to a test. */
  readonly since?: string
}

/** Containers outside the fake stack. */
export type FakeContainers = {
  readonly containers: Map<string, FakeContainer>
  /**
   * State of a new container of an image. By default an image `…postgres:17` serves Postgres 17, and any
   * other one just runs.
   */
  become(image: string, name: string): Partial<Pick<FakeContainer, 'state' | 'exitCode' | 'log' | 'server'>>
}

/** @param become state of new containers by image; the default serves Postgres for `postgres:N` images */
export const noContainers = (become: FakeContainers['become'] = postgresOf): FakeContainers => ({
  containers: new Map(),
  become,
})

const postgresOf: FakeContainers['become'] = (image, name) => {
  const [, major] = /(?:^|\/)postgres:(\d+)/.exec(image) ?? []
  return major === undefined
    ? {}
    : {
        server: fakeServer(
          { postgres: {} },
          { host: name, version: `${major}.1`, roles: new Set(['postgres']) },
        ),
      }
}

/**
 * The server of a database in a throwaway container, unreachable where the container is missing or has ended;
 * null for a database elsewhere.
 */
export function serverOf(database: Database, { containers }: FakeContainers): FakeServer | null {
  // Reading the header of a dump gives no location of a server.
  const { via }: Partial<PostgresDatabase> = database.engine === 'postgres' ? database : {}
  if (via?.kind !== 'throwaway') return null
  const name = via.container
  const found = containers.get(name)
  return found?.state === 'running' && found.server !== null
    ? found.server
    : fakeServer({}, { host: name, reachable: false })
}

export type ContainerParts = {
  readonly containers: FakeContainers
  readonly images: ImageStore
  readonly scope: Pick<Scope, 'run'>
  /** Those of a stack. */
  readonly services?: ReadonlyMap<string, FakeService>
  /** Called between creating and starting. */
  readonly reach?: (moment: string) => Promise<void>
}

export function fakeContainers({
  containers: { containers, become },
  images,
  scope,
  services = new Map(),
  reach = async () => undefined,
}: ContainerParts): Containers {
  const state = (name: string): ThrowawayFacts | null => {
    const found = containers.get(name)
    return found === undefined
      ? null
      : {
          id: `pretended-${name}`,
          image: found.image,
          imageId: found.imageId,
          state: found.state,
          exitCode: found.exitCode,
        }
  }
  return {
    mounts: async () => [
      ...[...containers].flatMap(([container, { mounts = [], since = null }]) =>
        mounts.map((source) => ({ container, source, volume: null, since })),
      ),
      ...[...services].flatMap(([container, { instance }]) =>
        Object.values(instance?.mounted ?? {}).map((source) => ({
          container,
          source,
          volume: null,
          since: instance?.state === 'running' ? (instance.startedAt ?? null) : null,
        })),
      ),
    ],
    state: async (name) => state(name),
    log: async (name, lines) => (containers.get(name)?.log ?? '').split('\n').slice(-lines).join('\n'),
    async start({ name, image }) {
      const [imageId] = [...images.images].find(([, { tags }]) => tags.includes(image)) ?? []
      if (containers.has(name))
        throw new RunbookError('failed', `cannot start container ${name}: already exists`, {
          hint: 'check the containers of the test',
        })
      if (imageId === undefined)
        throw new RunbookError('failed', `image ${image} not found on this machine`, {
          hint: 'add it to the image store of the test',
        })
      const { state: ended = 'running', exitCode = null, log = '', server = null } = become(image, name)
      const container: FakeContainer = {
        image,
        imageId,
        state: 'stopped',
        exitCode: null,
        log,
        madeBy: scope.run,
        server,
      }
      containers.set(name, container)
      try {
        await reach('start half-way')
      } catch (thrown) {
        // A killed process cleans up nothing.
        if (!(thrown instanceof Error && thrown.name === 'Killed')) containers.delete(name)
        throw thrown
      }
      container.state = ended
      container.exitCode = exitCode
      return { id: `pretended-${name}`, image, imageId, state: ended, exitCode }
    },
    async remove(name) {
      if (containers.get(name)?.madeBy === null)
        throw new RunbookError('failed', `cannot remove container ${name}: it was not created by a run`, {
          hint: 'check the containers of the test',
        })
      containers.delete(name)
    },
  }
}

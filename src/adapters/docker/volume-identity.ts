import type { Scope } from '../../drivers/scope.ts'
import type { VolumeIdentity, VolumePath } from '../../drivers/volumes.ts'
import type { DockerEngine } from './connection.ts'

/** What holds a path in a container; null for the container's own layer. */
export async function volumeIdentity(
  engine: DockerEngine,
  scope: Pick<Scope, 'signal'>,
  container: string,
  { service, path }: Pick<VolumePath, 'service' | 'path'>,
): Promise<VolumeIdentity | null> {
  const { Mounts } = await engine.ask(scope, {
    doing: `inspect the volumes of ${service}`,
    ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
  })
  const mount = innermost(path, Mounts)
  if (mount === null) return null
  const { Type, Name: name = '', Source } = mount
  if (Type !== 'volume') return { kind: 'folder', name: Source, createdAt: null }
  // Its type lacks the time (Engine API, VolumeInspect).
  const volume = (await engine.ask(scope, {
    doing: `inspect the volume ${name}`,
    ask: (docker, abortSignal) => docker.getVolume(name).inspect({ abortSignal }),
  })) as { readonly CreatedAt?: string }
  return { kind: 'volume', name, createdAt: volume.CreatedAt ?? null }
}

type Mounted = {
  readonly Type?: string
  readonly Name?: string | undefined
  readonly Source: string
  readonly Destination: string
}

/** The innermost mount that a path is in. */
const innermost = (path: string, mounts: readonly Mounted[]): Mounted | null =>
  mounts
    .filter(
      ({ Destination }) => path === Destination || path.startsWith(`${Destination.replace(/\/$/, '')}/`),
    )
    .toSorted((one, other) => other.Destination.length - one.Destination.length)[0] ?? null

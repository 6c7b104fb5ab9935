import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack, StackStorage } from '../../drivers/services.ts'
import type { Compose } from './compose.ts'
import type { DockerEngine } from './connection.ts'
import { labels } from './containers.ts'

/** Compose (2.26) labels each volume that it creates with its project; one that exists before it has no label. */
export async function storageOf(
  {
    engine,
    command,
    scope,
  }: { readonly engine: DockerEngine; readonly command: Compose; readonly scope: Scope },
  stack: ComposeStack,
): Promise<StackStorage> {
  const [{ services, creation }, all] = await Promise.all([
    command.config(stack),
    engine.ask(scope, {
      doing: `list the volumes of ${stack.project}`,
      ask: (docker, abortSignal) => docker.listVolumes({ abortSignal }),
    }),
  ])
  // Docker answers null where there is no volume.
  const volumes = all.Volumes ?? []
  const there = new Set(volumes.map(({ Name }) => Name))
  const mounts = services.flatMap((service) =>
    creation(service).mounts.map((mount) => ({
      ...mount,
      service,
      exists: mount.kind === 'volume' ? there.has(mount.source) : null,
    })),
  )
  const named = new Set(mounts.map(({ source }) => source))
  return {
    mounts,
    unnamed: volumes
      .filter(({ Name, Labels }) => Labels?.[labels.project] === stack.project && !named.has(Name))
      .map(({ Name }) => Name)
      .toSorted(),
  }
}

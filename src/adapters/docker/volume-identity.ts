import type { Scope } from '../../drivers/scope.ts'
import type { VolumePath } from '../../drivers/volumes.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { DockerEngine } from './connection.ts'
import { mountOf, runHelper } from './volume-helper.ts'

/** `stat` of busybox knows no time of creation, and some images have none. */
const script = 'ls -di -- "$0" && { stat -c %w -- "$0" 2>/dev/null || true; }'

/**
 * The volume, the inode of a file, and its time of creation, since a file system gives the inode of a removed file to the
 * next one. Where that time is not known, the container stands for it: a volume is made again only once its containers
 * are removed. Null where the image cannot tell the inode.
 */
export async function fileIdentity({
  engine,
  scope,
  container,
  at: { service, path },
}: {
  readonly engine: DockerEngine
  readonly scope: Scope
  readonly container: string
  readonly at: VolumePath
}): Promise<string | null> {
  const { Mounts } = await engine.ask(scope, {
    doing: `inspect the volumes of ${service}`,
    ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
  })
  const mount = mountOf(path, Mounts)
  if (mount === undefined || mount.Type === 'tmpfs') return null
  try {
    const words = [path]
    const printed = await runHelper({
      engine,
      scope,
      container,
      service,
      paths: [],
      script,
      words,
      prints: true,
    })
    const [, inode] = /^ *(\d+) /.exec(printed) ?? []
    const [created = container] = /^\d{4}-\d\d-\d\d .+$/m.exec(printed) ?? []
    return inode === undefined ? null : `${mount.Name ?? mount.Source} ${inode} ${created}`
  } catch (thrown) {
    scope.signal.throwIfAborted()
    // A container that may still run is not to be forgotten.
    if (!(thrown instanceof RunbookError) || thrown.code === 'in-doubt') throw thrown
    return null
  }
}

import type { Scope } from '../../drivers/scope.ts'
import { nullIfNotFound, type DockerEngine } from './connection.ts'
import { tagsIn, type ExecTags } from './exec-argv.ts'

/** A running program that was started by `docker exec` with tags. */
export type RunningExec = { readonly id: string; readonly user: string; readonly tags: ExecTags }

/** Those of a container. The daemon forgets an exec that has ended; a removed container has none. */
export async function execsIn(
  container: string,
  scope: Pick<Scope, 'signal'>,
  engine: DockerEngine,
): Promise<readonly RunningExec[]> {
  const inspected = await engine
    .ask(scope, {
      doing: `inspect container ${container.slice(0, 12)}`,
      ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
    })
    .catch(nullIfNotFound)
  const execs = await Promise.all((inspected?.ExecIDs ?? []).map((id) => inspectExec(id, scope, engine)))
  return execs.flatMap((exec) => {
    if (exec?.Running !== true) return []
    const tags = tagsIn(exec.ProcessConfig.entrypoint, exec.ProcessConfig.arguments)
    return tags === null ? [] : [{ id: exec.ID, user: exec.ProcessConfig.user, tags }]
  })
}

/** Null for an exec that no longer exists. */
export const inspectExec = (id: string, scope: Pick<Scope, 'signal'>, engine: DockerEngine) =>
  engine
    .ask(scope, {
      doing: `inspect exec ${id.slice(0, 12)}`,
      ask: (docker, abortSignal) => docker.getExec(id).inspect({ abortSignal }),
    })
    .catch(nullIfNotFound)

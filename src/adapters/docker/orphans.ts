import type { Orphan, Orphans } from '../../drivers/orphans.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot } from '../../kernel/errors.ts'
import { dockerEngine, type DockerEngine } from './connection.ts'
import { endExec } from './exec.ts'
import { execsIn, inspectExec } from './execs.ts'
import { removeContainer } from './one-off.ts'

/** Milliseconds from TERM to KILL. */
const grace = 2_000

type OrphanedContainer = Orphan & { readonly what: 'container' }
type OrphanedExec = Orphan & {
  readonly what: 'exec'
  readonly container: string
  readonly user: string
  readonly call: string
}

/**
 * What a run started in Docker: containers with its label, running or not, and programs of `docker exec` with
 * its tag, which outlive their client.
 */
export function dockerOrphans({
  scope,
  engine = dockerEngine(),
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
}): Orphans {
  const containers = async (run: string): Promise<readonly OrphanedContainer[]> => {
    const found = await engine.ask(scope, {
      doing: `list the containers of run ${run}`,
      ask: (docker, abortSignal) =>
        docker.listContainers({ all: true, filters: { label: [`runbook.run=${run}`] }, abortSignal }),
    })
    return found.map(({ Id, Labels }) => ({ what: 'container', id: Id, step: Labels['runbook.step'] ?? '' }))
  }

  const ownIn = async (container: string, run: string): Promise<readonly OrphanedExec[]> =>
    (await execsIn(container, scope, engine)).flatMap(({ id, user, tags }) =>
      tags.run === run
        ? [{ what: 'exec', id, step: tags.step, container, user, call: tags.call } as const]
        : [],
    )

  const execs = async (run: string): Promise<readonly OrphanedExec[]> => {
    const running = await engine.ask(scope, {
      doing: 'list the running containers',
      ask: (docker, abortSignal) => docker.listContainers({ abortSignal }),
    })
    return (await Promise.all(running.map(({ Id }) => ownIn(Id, run)))).flat()
  }

  /** Whether the exec has ended is what the daemon reports, not the result of ending it. */
  const endOne = async (exec: OrphanedExec): Promise<void> => {
    const failure = await endExec(
      exec.container,
      exec.user,
      `RUNBOOK_CALL=${exec.call}`,
      grace,
      scope,
      engine,
    ).catch((thrown: unknown) => thrown)
    if ((await inspectExec(exec.id, scope, engine))?.Running !== true) return
    throw cannot(
      'end',
      `the program of "${exec.step}" in container ${exec.container.slice(0, 12)}`,
      'it is still running',
      {
        code: 'in-doubt',
        cause: failure,
        hint: `check: docker top ${exec.container.slice(0, 12)}`,
      },
    )
  }

  return {
    find: async (run) => [...(await containers(run)), ...(await execs(run)).map(orphanOf)],
    async end(run) {
      const found = await containers(run)
      await Promise.all(found.map(({ id }) => removeContainer(engine, scope, id)))
      const programs = await execs(run)
      for (const outcome of await Promise.allSettled(programs.map(endOne)))
        if (outcome.status === 'rejected') throw outcome.reason
      return [...found, ...programs.map(orphanOf)]
    },
  }
}

const orphanOf = ({ what, id, step }: OrphanedExec): Orphan => ({ what, id, step })

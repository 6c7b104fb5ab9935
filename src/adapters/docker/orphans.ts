import type { Orphan, Orphans } from '../../drivers/orphans.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { dockerEngine, statusOf, type DockerEngine } from './connection.ts'
import { endExec } from './exec.ts'
import { tagsIn } from './exec-argv.ts'
import { removeContainer } from './one-off.ts'

/** Milliseconds from TERM to KILL. */
const grace = 2_000

type LivingContainer = Orphan & { readonly what: 'container' }
type LivingExec = Orphan & { readonly what: 'exec'; readonly container: string; readonly user: string; readonly call: string }

/**
 * What a run started in Docker: containers with its label, whether they run or not, and programs that run by `docker exec` with its tag,
 * which outlive the client that started them.
 */
export function dockerOrphans({ scope, engine = dockerEngine() }: { readonly scope: Scope; readonly engine?: DockerEngine }): Orphans {
  const inspectExec = (id: string) =>
    engine
      .ask(scope, { doing: `look at the exec ${id.slice(0, 12)}`, ask: (docker, abortSignal) => docker.getExec(id).inspect({ abortSignal }) })
      .catch(nullWhereGone)

  const containers = async (run: string): Promise<readonly LivingContainer[]> => {
    const found = await engine.ask(scope, {
      doing: `look for containers of run ${run}`,
      ask: (docker, abortSignal) => docker.listContainers({ all: true, filters: { label: [`runbook.run=${run}`] }, abortSignal }),
    })
    return found.map(({ Id, Labels }) => ({ what: 'container', id: Id, step: Labels['runbook.step'] ?? '' }))
  }

  const execsIn = async (container: string, run: string): Promise<readonly LivingExec[]> => {
    const inspected = await engine
      .ask(scope, { doing: `look into the container ${container.slice(0, 12)}`, ask: (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }) })
      .catch(nullWhereGone)
    const execs = await Promise.all((inspected?.ExecIDs ?? []).map(inspectExec))
    return execs.flatMap((exec) => {
      if (exec?.Running !== true) return []
      const tags = tagsIn(exec.ProcessConfig.entrypoint, exec.ProcessConfig.arguments)
      if (tags?.run !== run) return []
      return [{ what: 'exec', id: exec.ID, step: tags.step, container, user: exec.ProcessConfig.user, call: tags.call } as const]
    })
  }

  const execs = async (run: string): Promise<readonly LivingExec[]> => {
    const running = await engine.ask(scope, {
      doing: 'list the running containers', ask: (docker, abortSignal) => docker.listContainers({ abortSignal }),
    })
    return (await Promise.all(running.map(({ Id }) => execsIn(Id, run)))).flat()
  }

  /** The daemon's word counts, not that of what ended it. */
  const endOne = async (exec: LivingExec): Promise<void> => {
    const trouble = await endExec(exec.container, exec.user, `RUNBOOK_CALL=${exec.call}`, grace, scope, engine).catch((thrown: unknown) => thrown)
    if ((await inspectExec(exec.id))?.Running !== true) return
    throw new RunbookError('in-doubt', `the program of "${exec.step}" in the container ${exec.container.slice(0, 12)} still runs`, {
      cause: trouble, hint: `docker top ${exec.container.slice(0, 12)}`,
    })
  }

  return {
    find: async (run) => [...(await containers(run)), ...(await execs(run)).map(orphanOf)],
    async end(run) {
      const made = await containers(run)
      await Promise.all(made.map(({ id }) => removeContainer(engine, scope, id)))
      const programs = await execs(run)
      for (const outcome of await Promise.allSettled(programs.map(endOne))) if (outcome.status === 'rejected') throw outcome.reason
      return [...made, ...programs.map(orphanOf)]
    },
  }
}

const orphanOf = ({ what, id, step }: LivingExec): Orphan => ({ what, id, step })

function nullWhereGone(thrown: unknown): null {
  if (statusOf(thrown) === 404) return null
  throw thrown
}

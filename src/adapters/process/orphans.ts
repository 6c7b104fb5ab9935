import type { Orphan, Orphans } from '../../drivers/orphans.ts'
import type { Child, Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { allProcesses, becomes, burialMilliseconds, isDead, isRunning, type Stat } from './proc.ts'
import { environmentOf } from './environ.ts'

/** What the journal says that a step started. */
export type JournaledChild = { readonly child: Child; readonly step: string }

/** Milliseconds from TERM to KILL. */
const grace = 2_000

/**
 * Processes of this machine that a run started, found by the tags in their environment, which everything that they started inherits;
 * and by the journal, for programs that overwrite their environment and for machines without /proc (macOS), where nothing else is known.
 * There a pid alone proves nothing, so a person must end it. Programs of other accounts are seen by root only. Services never carry
 * the tags, so they are none.
 */
export function processOrphans({
  scope,
  clock,
  journaled,
}: {
  readonly scope: Pick<Scope, 'signal'>
  readonly clock: Clock
  readonly journaled: (run: string) => Promise<readonly JournaledChild[]>
}): Orphans {
  return {
    find: async (run) => livingOf(run, await journaled(run)).map(orphanOf),
    async end(run) {
      const children = await journaled(run)
      const found = new Map<number, Living>()
      // Looked for again each time: whoever is being ended may just have started another one.
      const ending = (signal: NodeJS.Signals): (() => boolean) => {
        const told = new Set<number>()
        return () => {
          const living = livingOf(run, children)
          for (const each of living) {
            found.set(each.pid, each)
            if (!told.has(each.pid)) send(each, signal)
            told.add(each.pid)
          }
          return living.length === 0
        }
      }
      const gone =
        (await becomes(ending('SIGTERM'), grace, clock, scope.signal)) ||
        (await becomes(ending('SIGKILL'), burialMilliseconds, clock, scope.signal))
      if (!gone) throw undead(run, livingOf(run, children))
      return [...found.values()].map(orphanOf)
    },
  }
}

type Living = Child & { readonly step: string }

const orphanOf = ({ pid, step }: Living): Orphan => ({ what: 'process', id: String(pid), step })

function livingOf(run: string, journaled: readonly JournaledChild[]): readonly Living[] {
  const known = journaled
    .filter(({ child }) => isRunning(child))
    .map(({ child, step }) => ({ ...child, step }))
  const all = allProcesses()
  if (all === null) return known
  const ours = ancestry(process.pid, all)
  const tagged = all
    .filter((stat) => !ours.has(stat.pid) && !isDead(stat))
    .flatMap(({ pid, startTime }) => {
      const environment = environmentOf(pid)
      if (environment?.get('RUNBOOK_RUN') !== run) return []
      return [{ pid, startTime, argv0: '', step: environment.get('RUNBOOK_STEP') ?? '' }]
    })
  return [...new Map([...known, ...tagged].map((living) => [living.pid, living])).values()]
}

/** A process and everybody above it: a run that was started by another run's step must not end itself. */
function ancestry(pid: number, all: readonly Stat[]): ReadonlySet<number> {
  const parents = new Map(all.map((stat) => [stat.pid, stat.parent]))
  const found = new Set<number>()
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !found.has(at); at = parents.get(at))
    found.add(at)
  return found
}

function send(living: Living, signal: NodeJS.Signals): void {
  if (living.startTime === null) {
    throw new RunbookError(
      'in-doubt',
      `process ${living.pid} may be ${living.argv0} of "${living.step}", or somebody else's by now`,
      {
        hint: `ps -p ${living.pid}; kill it if it is ${living.argv0}, then resume`,
      },
    )
  }
  // The pid may have been given away since it was looked at.
  if (!isRunning(living)) return
  try {
    process.kill(living.pid, signal)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ESRCH') return
    throw new RunbookError(
      'in-doubt',
      `process ${living.pid}, left by "${living.step}", may not be ended by this account`,
      {
        cause: thrown,
        hint: `sudo kill ${living.pid}, then resume`,
      },
    )
  }
}

function undead(run: string, living: readonly Living[]): RunbookError {
  const pids = living.map(({ pid }) => pid)
  return new RunbookError(
    'in-doubt',
    `${pids.length} process(es) of run ${run} survived KILL, so their effect is not over: ${pids.join(', ')}`,
    {
      hint: `ps -o pid,stat,wchan:30,args -p ${pids.join(',')}`,
    },
  )
}

import type { Orphan, Orphans } from '../../drivers/orphans.ts'
import type { Child, Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { cannot, type RunbookError } from '../../kernel/errors.ts'
import { allProcesses, pollUntil, reapMilliseconds, isDead, isRunning, type Stat } from './proc.ts'
import { environmentOf } from './environ.ts'

/** A process that a step started, as journaled. */
export type JournaledChild = { readonly child: Child; readonly step: string }

/** Milliseconds from TERM to KILL. */
const grace = 2_000

/**
 * Searches in a row that must find nothing, and the milliseconds between two. A single one misses a program whose
 * parent died while it was looked at, and one that the dead process had forked but that has not begun: until then
 * it has no tags.
 */
const emptySearches = 3
const betweenSearches = 50

/**
 * Processes of this machine that a run started, found by the tags in their environment, which their children
 * inherit, and by the journal: some programs overwrite their environment, and macOS has no /proc. Without
 * /proc a pid proves nothing, so a person must end the process. Only root sees programs of other accounts. What
 * starts while others are ended is ended too: `end` returns once several searches have found nothing.
 * Services are not tagged, so they are never orphans.
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
    find: async (run) => liveProcessesOf(run, await journaled(run)).map(orphanOf),
    async end(run) {
      const children = await journaled(run)
      const found = new Map<number, LiveProcess>()
      // Search again on each poll: a process that is being ended may have just started another.
      const ending = (signal: NodeJS.Signals): (() => boolean) => {
        const signalled = new Set<number>()
        return () => {
          const living = liveProcessesOf(run, children)
          for (const each of living) {
            found.set(each.pid, each)
            if (!signalled.has(each.pid)) send(each, signal)
            signalled.add(each.pid)
          }
          return living.length === 0
        }
      }
      for (let empty = 0; empty < emptySearches;) {
        if (empty > 0) await clock.sleep(betweenSearches, scope.signal)
        if (liveProcessesOf(run, children).length === 0) {
          empty += 1
          continue
        }
        empty = 0
        const allEnded =
          (await pollUntil(ending('SIGTERM'), grace, clock, scope.signal)) ||
          (await pollUntil(ending('SIGKILL'), reapMilliseconds, clock, scope.signal))
        if (!allEnded) throw survivedKill(run, liveProcessesOf(run, children))
      }
      return [...found.values()].map(orphanOf)
    },
  }
}

type LiveProcess = Child & { readonly step: string }

const orphanOf = ({ pid, step }: LiveProcess): Orphan => ({ what: 'process', id: String(pid), step })

function liveProcessesOf(run: string, journaled: readonly JournaledChild[]): readonly LiveProcess[] {
  const known = journaled
    .filter(({ child }) => isRunning(child))
    .map(({ child, step }) => ({ ...child, step }))
  const all = allProcesses()
  if (all === null) return known
  const ancestors = ancestry(process.pid, all)
  const tagged = all
    .filter((stat) => !ancestors.has(stat.pid) && !isDead(stat))
    .flatMap(({ pid, startTime }) => {
      const environment = environmentOf(pid)
      if (environment?.get('RUNBOOK_RUN') !== run) return []
      return [{ pid, startTime, argv0: '', step: environment.get('RUNBOOK_STEP') ?? '' }]
    })
  return [...new Map([...known, ...tagged].map((living) => [living.pid, living])).values()]
}

/** A process and its ancestors: a run that was started by another run's step must not end itself. */
function ancestry(pid: number, all: readonly Stat[]): ReadonlySet<number> {
  const parents = new Map(all.map((stat) => [stat.pid, stat.parent]))
  const found = new Set<number>()
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !found.has(at); at = parents.get(at))
    found.add(at)
  return found
}

function send(living: LiveProcess, signal: NodeJS.Signals): void {
  if (living.startTime === null) {
    throw cannot(
      'end',
      `process ${living.pid}`,
      `it is either ${living.argv0} of "${living.step}" or an unrelated process that reuses the pid`,
      {
        code: 'in-doubt',
        hint: `check: ps -p ${living.pid}; kill it if it is ${living.argv0}, then resume`,
      },
    )
  }
  // The pid may have been reused since the search.
  if (!isRunning(living)) return
  try {
    process.kill(living.pid, signal)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ESRCH') return
    throw cannot('end', `process ${living.pid} of "${living.step}"`, 'permission denied', {
      code: 'in-doubt',
      cause: thrown,
      hint: `sudo kill ${living.pid}, then resume`,
    })
  }
}

function survivedKill(run: string, living: readonly LiveProcess[]): RunbookError {
  const pids = living.map(({ pid }) => pid)
  return cannot(
    'end',
    `${pids.length} process(es) of run ${run}`,
    `still running after KILL: ${pids.join(', ')}`,
    {
      code: 'in-doubt',
      hint: `check: ps -o pid,stat,wchan:30,args -p ${pids.join(',')}`,
    },
  )
}

import { exclusionOfTarget, limitsIn, overlap, refusalFor } from '../../engine/exclusion.ts'
import { isOpen, isUnsealed } from '../../journal/journal.ts'
import { holderOf } from '../../journal/leases.ts'
import { Notebook, type Check } from '../check.ts'
import { runGauges } from '../gauges.ts'

export const runs: Check = {
  id: 'runs',
  of: 'target',
  looksAt: 'No run is open, and the evidence of each that has ended is sealed.',
  run: async ({ target, journal }) => {
    const notes = new Notebook()
    if (journal.problem !== null) {
      notes.unchecked('runs', journal.problem.message)
      return notes.answer
    }
    const { system, only } = exclusionOfTarget(target)
    const pending = await journal.runs({ system, pending: true })
    let open = 0
    for (const line of pending) {
      const { run, runbook, startedAt } = line
      const isRunning = ((await notes.seek(run, () => holderOf(journal, line))) ?? null) !== null
      const isNeighbour =
        isOpen(line) && line.target !== target.name && !overlap(only, await limitsIn(journal, run))
      if (isOpen(line) && !isNeighbour) open += 1
      const { problem, hint } = refusalFor(line, null)
      if (isNeighbour)
        notes.warn(
          run,
          problem,
          `a run on ${target.name} that changes more than its database cannot start before it ends: runbook status`,
        )
      else if (isOpen(line) && isRunning)
        notes.warn(
          run,
          `${runbook} is running on ${line.target} since ${startedAt}: ${run}`,
          'no other run can start before it ends: runbook status',
        )
      else if (isOpen(line)) notes.refuse(run, problem, hint)
      else if (isUnsealed(line) && !isRunning)
        notes.warn(
          run,
          `the evidence of ${run} (${runbook}) is not sealed`,
          `seal it: \`runbook resume ${run}\``,
        )
    }
    notes.fact(`${open} open`)
    for (const gauge of await runGauges(target, journal)) notes.gauge(gauge)
    return notes.answer
  },
}

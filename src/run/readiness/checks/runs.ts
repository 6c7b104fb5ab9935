import { systemOf } from '../../../model/target.ts'
import { isOpen, isUnsealed } from '../../journal/journal.ts'
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
    const system = systemOf(target)
    const holder = await notes.seek('holder', () => journal.holder(system))
    const ours = await journal.runs({ system, pending: true })
    const open = ours.filter(isOpen)
    for (const { run, runbook, startedAt } of open) {
      if (holder?.run === run)
        notes.warn(
          run,
          `${runbook} is running on ${target.name} since ${startedAt}: ${run}`,
          'no other run can start before it ends: runbook status',
        )
      else
        notes.refuse(
          run,
          `${target.name} has an open run: ${run} (${runbook}, since ${startedAt})`,
          `settle it first with \`runbook resume ${run}\` or \`runbook rollback ${run}\`; \`runbook status\` shows its state`,
        )
    }
    for (const { run, runbook } of ours.filter((line) => isUnsealed(line) && holder?.run !== line.run))
      notes.warn(
        run,
        `the evidence of ${run} (${runbook}) is not sealed`,
        `seal it: \`runbook resume ${run}\``,
      )
    notes.fact(`${open.length} open`)
    for (const gauge of await runGauges(target, journal)) notes.gauge(gauge)
    return notes.answer
  },
}

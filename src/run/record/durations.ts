import type { Plan } from '../../model/plan.ts'
import type { JournalView } from '../journal/journal.ts'

/** Number of runs considered: older ones are less relevant. */
const most = 5

/** Seconds that the latest successful runs of this runbook on this target took. Skips unreadable runs. */
export async function pastSeconds(journal: JournalView, plan: Plan): Promise<readonly number[]> {
  const runs = await journal.runs({
    mode: 'run',
    outcomes: ['succeeded'],
    runbook: plan.runbook,
    target: String(plan.target['name']),
    newest: most,
  })
  const times = await Promise.all(
    runs.map(async ({ run }) => {
      const entries = await journal.read(run).catch(() => [])
      const first = entries[0]
      const settled = entries.findLast(({ entry }) => entry.type === 'settled')
      // The duration of a resumed run would include the time in which it was interrupted.
      const uninterrupted = !entries.some(({ entry }) => entry.type === 'resumed')
      return first === undefined || settled === undefined || !uninterrupted
        ? []
        : [Math.max(0, (Date.parse(settled.at) - Date.parse(first.at)) / 1000)]
    }),
  )
  return times.flat()
}

import type { Plan } from '../../model/plan.ts'
import type { EarlierRun } from '../journal/entry.ts'
import { actedOutcomes, type JournalView } from '../journal/journal.ts'
import { measuresOf } from './measures.ts'

/** Enough to see a trend; each is read again when a run ends. */
const most = 10

/**
 * What the latest real runs of this runbook on this target measured, newest first. Leaves out those that were
 * refused, are open or cannot be read.
 */
export async function earlierRuns(
  journal: JournalView,
  run: string,
  { runbook, target }: Plan,
): Promise<readonly EarlierRun[]> {
  const lines = await journal.runs({
    mode: 'run',
    outcomes: actedOutcomes,
    runbook,
    target: String(target['name']),
    newest: most + 1,
  })
  const found: EarlierRun[] = []
  const others = lines.filter((line) => line.run !== run).slice(0, most)
  for (const { run, startedAt, outcome } of others) {
    const entries = await journal.read(run).catch(() => null)
    if (entries === null || outcome === null) continue
    const { rto, downtime, rpo } = measuresOf(entries)
    found.push({
      run,
      startedAt,
      outcome,
      rtoSeconds: rto.seconds,
      downtimeSeconds: downtime.seconds,
      rpoSeconds: rpo.seconds,
    })
  }
  return found
}

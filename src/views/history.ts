import { oneLine } from '../kernel/sanitize.ts'
import { isOpen, type RunSummary } from '../run/journal/journal.ts'

/** All runs in the journal, newest first. */
export function historyText(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'No runs yet.\n'
  const rows = [
    ['RUN', 'STARTED', 'RUNBOOK', 'TARGET', 'OUTCOME', 'STORY'],
    ...runs.map((one) =>
      [one.run, one.startedAt, one.runbook, one.target, endedAs(one), one.story ?? ''].map(oneLine),
    ),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return (
    rows
      .map((row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n') + '\n'
  )
}

export function endedAs(run: RunSummary): string {
  if (run.released) return 'released'
  if (run.mode === 'dry-run') return 'dry run'
  if (run.outcome === null) return 'open'
  return isOpen(run) ? `${run.outcome} (open)` : run.outcome
}

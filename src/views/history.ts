import { oneLine } from '../kernel/sanitize.ts'
import { isOpen, isUnsealed, type RunSummary } from '../run/journal/journal.ts'

/** A run with what is wrong with its entries: null if they are intact, `undefined` if they were not checked. */
export type ListedRun = RunSummary & { readonly damage: string | null | undefined }

/** All runs in the journal, newest first. */
export function historyText(runs: readonly ListedRun[]): string {
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

/** The outcome, and why it may not be relied on. */
export function endedAs(run: ListedRun): string {
  if (typeof run.damage === 'string') return `${run.released ? 'released, ' : ''}damaged journal`
  return `${outcomeOf(run)}${isUnsealed(run) ? ', not sealed' : ''}${run.damage === undefined ? ', not checked' : ''}`
}

function outcomeOf(run: RunSummary): string {
  if (run.released) return 'released'
  if (run.mode === 'dry-run') return 'dry run'
  if (run.outcome === null) return 'open'
  return isOpen(run) ? `${run.outcome} (open)` : run.outcome
}

import { isOpen, isUnsealed, type RunSummary } from '../run/journal/journal.ts'

/** A run with what is wrong with its entries: null if they are intact, `undefined` if they were not checked. */
export type ListedRun = RunSummary & { readonly damage: string | null | undefined }

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

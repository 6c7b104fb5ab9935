/** On every container that a run creates for itself, so that one that outlives the run is found. */
export type RunLabels = { readonly 'runbook.run': string; readonly 'runbook.step': string }

/** On containers that outlive their process on purpose, so that the cleanup of orphans spares them. */
export const throwawayLabel = 'runbook.throwaway'

export const runLabels = (run: string, step: string): RunLabels => ({
  'runbook.run': run,
  'runbook.step': step,
})

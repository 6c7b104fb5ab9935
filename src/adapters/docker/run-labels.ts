/** On every container that a run makes for itself, so that one which outlives the run is found. */
export type RunLabels = { readonly 'runbook.run': string; readonly 'runbook.step': string }

/** On what outlives its process on purpose, so that no clearing away of what a dead run left takes it. */
export const throwawayLabel = 'runbook.throwaway'

export const runLabels = (run: string, step: string): RunLabels => ({
  'runbook.run': run,
  'runbook.step': step,
})

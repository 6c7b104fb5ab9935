/** On every container that a run makes for itself, so that one which outlives the run is found. */
export type RunLabels = { readonly 'runbook.run': string; readonly 'runbook.step': string }

export const runLabels = (run: string, step: string): RunLabels => ({ 'runbook.run': run, 'runbook.step': step })

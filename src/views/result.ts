import type { RunRecord } from '../run/record/record.ts'

const results = {
  open: 'not settled',
  succeeded: 'succeeded',
  'rolled-back': 'failed and rolled back',
  'needs-human': 'needs a person',
  refused: 'refused before anything was touched',
  foretold: 'dry run',
} as const

/** The outcome of a run in words. */
export function result({
  mode,
  outcome,
  failure,
  released,
}: Pick<RunRecord, 'mode' | 'outcome' | 'failure' | 'released'>): string {
  if (released !== null) return 'closed by a person with unlock, nothing was undone'
  if (mode === 'dry-run' && outcome === 'foretold')
    return failure === null ? 'dry run, no blockers found' : 'dry run, a real run would fail'
  // An operator asked for the rollback; nothing had failed.
  if (outcome === 'rolled-back' && failure === null) return 'rolled back'
  return mode === 'dry-run' ? `dry run, ${results[outcome]}` : results[outcome]
}

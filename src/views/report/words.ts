import type { StepStatus } from '../../run/record/step-record.ts'
import { strong, type Inline } from '../document.ts'

/** Of the status of a step, in words. */
export const statuses: { readonly [S in StepStatus]: Inline } = {
  'not reached': 'not reached',
  done: 'done',
  already: 'already done',
  recovered: 'done, confirmed after a crash',
  failed: strong('failed'),
  timeout: strong('timed out'),
  skipped: 'skipped',
  'in doubt': strong('in doubt'),
  seen: 'observed',
  foretold: 'predicted',
}

/** Of each event of a run, in words. */
export const happened = {
  turned: 'Rollback started',
  pivoted: 'Passed the point of no return',
  interrupted: 'Stopped',
  resumed: 'Resumed',
  released: 'Released',
  announced: 'Announced',
  locked: 'Locked',
  attempting: 'Attempt by the watch',
  attempted: 'End of that attempt',
  acknowledged: 'Acknowledged',
} as const

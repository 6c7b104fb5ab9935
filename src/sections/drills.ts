import { z } from 'zod'
import { section } from './parts/section.ts'
import { duration, strict, text } from './parts/values.ts'

/** How often each proof is due, in the order of the configuration. */
export type DueDrill = {
  /** Name of the runbook. */
  readonly drill: string
  readonly everySeconds: number
}

const due = strict({
  every: duration.describe('Longest time between two runs that prove it.'),
})

export const drills = section({
  about:
    'How often each proof is due: `runbook drills` and `runbook doctor` say which are overdue. Without the section, `restore-test`, for SQLite `find-good-backup` or `find-good-volume-backup`, and `monthly-spot-restore` are due every 31 days and `quarterly-full-drill` every 92 days, as far as they fit the target.',
  schema: z
    .record(text, due)
    .describe('By the name of the runbook that proves it. A list of your own replaces the default.'),
  example: { 'restore-test': { every: '31d' } },
  resolve: (raw): readonly DueDrill[] =>
    Object.entries(raw).map(([drill, { every }]) => ({ drill, everySeconds: every })),
})

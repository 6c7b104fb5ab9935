import type { Cast } from '../fixtures/asciicast.ts'

/** Recordings and pictures that the documents show. `test/docs/night.real.test.ts` makes them. */
export const mediaFolder = 'docs/media'

export const castNames = [
  'doctor',
  'drills',
  'run',
  'dry-run',
  'rollback',
  'status-watch',
  'watch',
  'killed',
  'ack',
  'evidence',
  'review',
] as const

export const pictureNames = [
  'report',
  'report-rolled-back',
  'story',
  'incident',
  'serve-overview',
  'serve-target',
  'serve-runbook',
  'serve-run-live',
  'serve-evidence',
] as const

/** What is watched is gone from the screen once it has ended. */
export const pictured = (name: string, cast: Cast): Cast =>
  name === 'status-watch'
    ? {
        ...cast,
        shown: cast.shown.slice(
          0,
          1 + cast.shown.findLastIndex(({ text }) => text.includes('Check health (in progress')),
        ),
      }
    : cast

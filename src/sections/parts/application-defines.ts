import { texts } from './values.ts'

/** What the application of a SQLite database adds to SQLite, and this program lacks. */
export const applicationDefines = texts
  .optional()
  .describe(
    'Collations and functions that the application adds to SQLite. Indexes and constraints that use them are not checked; every page and row is.',
  )
  .meta({ otherwise: 'a backup that uses one is refused' })

import {
  defineStep,
  isExact,
  isPending,
  RunbookError,
  say,
  type Dump,
  type ExactDump,
} from '../../src/index.ts'

type Input = { readonly archive: Dump }

/**
 * Lets only a dump through that may replace live data in place. SQL runs statement by statement and drops nothing that
 * is live: it is restored beside, where it is counted before it goes live.
 * @throws RunbookError `verification` for plain SQL
 */
export const requireExact = defineStep<Input, ExactDump>({
  kind: 'databases.require-exact',
  version: 1,
  effect: 'observe',
  describe: ({ archive }) =>
    `Checks that ${isPending(archive) ? say`${archive}` : archive.file} is of a form that can replace live data in place.`,
  run: async (_look, { archive }) => {
    if (isExact(archive)) return archive
    throw new RunbookError(
      'verification',
      `${archive.file} is plain SQL, which cannot replace live data in place: what it holds is proven only in a copy`,
      { hint: 'restore it beside the live database with --strategy beside, or choose a dump of pg_dump -Fc' },
    )
  },
})

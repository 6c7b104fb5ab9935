import { z } from 'zod'
import { section } from './parts/section.ts'
import { duration, strict, text } from './parts/values.ts'

/** How a dump is tested without touching anything live: in a throwaway server. */
export type RestoreTest = {
  /** Image of the server; `{major}` is the major version of the server that was dumped. */
  readonly image: string
  /** The superuser that the image creates. */
  readonly user: string
  /** How long the server may take to answer. Seconds. */
  readonly readyWithinSeconds: number
  /** Free space required where the server keeps its data, as a multiple of the size of the dump. */
  readonly room: number
  /** The Markdown file with the block "Latest tested restore"; null: one beside the evidence. */
  readonly record: string | null
}

export const restoreTest = section({
  about:
    'How a dump is tested without touching anything live: in a throwaway Postgres server that is removed afterwards.',
  schema: strict({
    image: text
      .regex(/^[\w{][\w{}.:/@-]*$/, 'expected the name of an image')
      .default('postgres:{major}-alpine')
      .describe(
        'Image of the throwaway server; `{major}` is the major version of the dump. It must initialise itself as the official image does and be present on this machine: nothing is pulled.',
      ),
    user: text.default('postgres').describe('The superuser that the image creates.'),
    readyWithin: duration.prefault('2m').describe('Longest time for the server to answer.'),
    room: z
      .number()
      .min(1)
      .default(8)
      .describe(
        'Free space required where the server keeps its data, as a multiple of the size of the dump. Dumps are compressed and contain no indexes, and the disk may be shared with something live.',
      ),
    record: text
      .optional()
      .describe(
        'Markdown file whose block "Latest tested restore" describes the newest test that passed. The file must exist; a missing block is added.',
      )
      .meta({ otherwise: '`latest-tested-restore.md` beside the evidence' }),
  }),
  example: { record: 'docs/rollback.md' },
  resolve: ({ readyWithin, record, ...rest }, { path }): RestoreTest => ({
    ...rest,
    readyWithinSeconds: readyWithin,
    record: record === undefined ? null : path(record),
  }),
})

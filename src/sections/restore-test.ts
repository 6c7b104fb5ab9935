import { z } from 'zod'
import type { Stack } from '../drivers/services.ts'
import { database } from './database.ts'
import { section, type SectionContext } from './parts/section.ts'
import { duration, strict, text } from './parts/values.ts'

/** How a dump is tested without touching anything live: in a throwaway server. */
export type RestoreTest = {
  /** Image of the server; `{major}` is the major version of the server that was dumped. */
  readonly image: string
  /** The service whose image is used instead if it is on this machine; left out where an image is configured. */
  readonly imageOf?: { readonly stack: Stack; readonly service: string }
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
      .optional()
      .describe(
        'Image of the throwaway server; `{major}` is the major version of the dump. It must initialise itself as the official image does and be present on this machine: nothing is pulled.',
      )
      .meta({ otherwise: 'the image of `database.service`; where it is missing, `postgres:{major}-alpine`' }),
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
  resolve: ({ readyWithin, record, image, user, room }, context): RestoreTest => ({
    ...(image === undefined ? ownImage(context) : { image }),
    user,
    room,
    readyWithinSeconds: readyWithin,
    record: record === undefined ? null : context.path(record),
  }),
  absent: {
    about: 'a Postgres server from the image of `database.service`, and a record beside the evidence',
    resolve: (context) => {
      if (context.other(database)?.engine !== 'postgres') return null
      const image = ownImage(context)
      return {
        value: { ...image, user: 'postgres', room: 8, readyWithinSeconds: 120, record: null },
        says: `no restoreTest is configured: the throwaway server has the image of ${image.imageOf === undefined ? image.image : `the service ${image.imageOf.service}`}, without its settings and volumes; the record is beside the evidence`,
      }
    },
  },
})

/** The image that production has, where Compose knows it: with its extensions and its version. */
function ownImage(context: SectionContext): Pick<RestoreTest, 'image' | 'imageOf'> {
  const image = 'postgres:{major}-alpine'
  const live = context.other(database)
  if (live?.engine !== 'postgres' || live.via.kind !== 'compose') return { image }
  const { stack, service } = live.via
  return { image, imageOf: { stack, service } }
}

import { z } from 'zod'
import type { RestoreTest } from '../../model/sections/restore-test.ts'
import { absolute, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import { duration, strict, text } from '../values.ts'

export type RestoreTestConfig = {
  /**
   * Image of the throwaway server, `{major}` being the major version of the dump. It must set itself up as the official one does, and be
   * on this machine: nothing is fetched. Default `postgres:{major}-alpine`.
   */
  readonly image?: string
  /** The superuser that the image makes. Default `postgres`. */
  readonly user?: string
  /** How long the server may take until it answers. Default 2 minutes. */
  readonly readyWithin?: Duration
  /**
   * So many times the size of the dump must be free where the server keeps its data, which may be the disk of something live. Default 8:
   * dumps are compressed, and indexes are not in them.
   */
  readonly room?: number
  /**
   * The Markdown file whose block "Latest tested restore" tells of the newest test that passed. It must be there; the block is made where it
   * is missing. Default: `latest-tested-restore.md` beside the evidence.
   */
  readonly record?: string
}

export const restoreTestSchema = strict({
  image: text
    .regex(/^[\w{][\w{}.:/@-]*$/, 'expected the name of an image')
    .default('postgres:{major}-alpine'),
  user: text.default('postgres'),
  readyWithin: duration.default(120),
  room: z.number().min(1).default(8),
  record: text.optional(),
})

export const restoreTestOf = (
  { readyWithin, record, ...rest }: z.output<typeof restoreTestSchema>,
  bearings: BasePaths,
): RestoreTest => ({
  ...rest,
  readyWithinSeconds: readyWithin,
  record: record === undefined ? null : absolute(record, bearings),
})

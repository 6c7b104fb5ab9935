import { join } from 'node:path'
import { z } from 'zod'
import { backups } from './backups.ts'
import { section } from './parts/section.ts'
import { duration, strict, text } from './parts/values.ts'

export type Retention = {
  /** Folder for dumps that a run creates: fallbacks, and the old database once the service is back. */
  readonly dumps: string
  /** How long the old database is kept aside before `prune` may remove it. Seconds. */
  readonly keepOldSeconds: number
  readonly dumpOld: boolean
}

export const retention = section({
  about: 'What to keep of the data that a run replaced, and for how long.',
  schema: strict({
    dumps: text.describe('Folder for dumps that a run creates: fallbacks, and the old database.'),
    keepOld: duration
      .prefault('7d')
      .describe('How long the old database stays under its other name before `prune` may remove it.'),
    dumpOld: z
      .boolean()
      .default(true)
      .describe('Whether the old database is also dumped once the service is back.'),
  }),
  example: { dumps: './backups/replaced', keepOld: '7d' },
  resolve: ({ dumps, keepOld, dumpOld }, { path }): Retention => ({
    dumps: path(dumps),
    keepOldSeconds: keepOld,
    dumpOld,
  }),
  absent: {
    about:
      '`replaced` in the folder of `backups`; `prune` leaves it, and databases put aside, alone until `retention` is configured',
    resolve: ({ other }) => {
      const folder = other(backups)?.directory
      if (folder === undefined) return null
      const dumps = join(folder, 'replaced')
      return {
        value: { dumps, keepOldSeconds: 7 * 86_400, dumpOld: true },
        says: `no retention is configured: replaced data is dumped into ${dumps}, on the disk of the backups, and prune removes nothing of it until retention is configured`,
      }
    },
  },
})

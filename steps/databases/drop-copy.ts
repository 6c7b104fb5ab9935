import { defineStep, isPending, type Database } from '../../src/index.ts'

type Input = { readonly database: Database; readonly copy: string }

/** Drops the copy of a backup that was restored beside the live database. */
export const dropCopy = defineStep<Input, null>({
  kind: 'databases.drop-copy',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  irreversible: 'the backup that it was restored from stays',
  describe: () => 'Drops the copy of the backup beside the live database.',
  survey: async () => null,
  predict: () => ({ output: null }),
  run: async (io, { input: { database, copy } }) => {
    await io.databases.drop(database, copy)
    return null
  },
  probe: async (look, { input: { database, copy } }) =>
    (await look.databases.exists(database, copy)) || (await look.databases.leftover(database, copy))
      ? { is: 'absent' }
      : { is: 'done', output: null },
})

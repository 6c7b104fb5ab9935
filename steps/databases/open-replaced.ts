import { defineStep, isPending, say, type Database } from '../../src/index.ts'

type Input = {
  readonly database: Database
  /** The database that a swap put aside and closed. */
  readonly name: string
}

/** The database that sessions may read again. */
export type OpenedDatabase = { readonly name: string }

/** Opens the database that a swap put aside, once no rollback needs the proof that nobody wrote to it. */
export const openReplaced = defineStep<Input, OpenedDatabase>({
  kind: 'databases.open-replaced',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  describe: ({ name }) => say`Lets sessions connect to ${name} again.`,
  survey: async () => null,
  predict: ({ input: { name } }) => ({
    output: isPending(name) ? null : { name },
    changes: isPending(name) ? [] : [`sessions may connect to ${name} again`],
  }),
  run: async (io, { input: { database, name } }) => {
    await io.databases.open(database, name)
    return { name }
  },
  probe: async (look, { input: { database, name }, way }) => {
    const listing = await look.databases.listing(database, name)
    if (listing === null) return { is: 'torn', why: `the database ${name} no longer exists` }
    if (!listing.open) return { is: 'absent' }
    return way === 'forward'
      ? { is: 'done', output: { name } }
      : { is: 'torn', why: `sessions may connect to ${name}` }
  },
  rerunnable: true,
  irreversible: 'the data that was replaced may be read again, which changes nothing in it',
})

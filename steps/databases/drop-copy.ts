import { defineStep, isPending, type Database, type Look } from '../../src/index.ts'
import { dropLine } from './lib/drop-line.ts'
import { instanceOf } from './lib/ours.ts'
import type { RestoredCopy } from './restore-beside.ts'

type Made = Pick<RestoredCopy, 'name' | 'instance'>

/** `copy` is a name alone in plans of earlier versions. */
type Input = { readonly database: Database; readonly copy: Made | string }

/** `stays`: why the database of that name was left; null where it is gone. */
type Dropped = { readonly stays: string | null }

/**
 * Drops the copy of a backup that was restored beside the live database. What somebody else put under its name stays,
 * and is named.
 */
export const dropCopy = defineStep<Input, Dropped, null>({
  kind: 'databases.drop-copy',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  irreversible: 'the backup that it was restored from stays',
  describe: () => 'Drops the copy of the backup beside the live database.',
  survey: async (look, { database, copy }) => {
    const stays = await whyItStays(look, database, madeBy(copy))
    if (stays !== null) look.note(stays)
    return null
  },
  predict: () => ({ output: null }),
  run: async (io, { input: { database, copy } }) => {
    const made = madeBy(copy)
    // Somebody may have exchanged it since the survey.
    const stays = await whyItStays(io, database, made)
    if (stays === null) await io.databases.drop(database, made.name)
    else io.remains(stays)
    return { stays }
  },
  probe: async (look, { input: { database, copy } }) => {
    const made = madeBy(copy)
    const stays = await whyItStays(look, database, made)
    if (stays !== null) return { is: 'done', output: { stays } }
    return (await look.databases.exists(database, made.name)) ||
      (await look.databases.leftover(database, made.name))
      ? { is: 'absent' }
      : { is: 'done', output: { stays: null } }
  },
})

const madeBy = (copy: Made | string): Made => (typeof copy === 'string' ? { name: copy } : copy)

/** Null where it is the copy that the run made, or nothing is there. */
async function whyItStays(
  look: Pick<Look, 'databases'>,
  database: Database,
  { name, instance }: Made,
): Promise<string | null> {
  if (!(await look.databases.exists(database, name))) return null
  if (instance === undefined)
    return `${name} stays: an earlier version of the program restored it and did not record which database that is; where it is only the copy of the backup, drop it by hand: ${dropLine(database, name)}`
  return (await instanceOf(look, database, name)) === instance
    ? null
    : `${name} stays: it is not the copy that this run made, but one that somebody else put in its place`
}

import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type Contents,
  type Database,
  type Dump,
  type Look,
  type TableRowCount,
} from '../../src/index.ts'
import { olderBackups, type Again } from '../backups/lib/older-backups.ts'
import { ageOf } from './lib/age.ts'
import { presentOf, requireLiveAsShown } from './lib/ours.ts'
import { otherObjects } from './lib/other-objects.ts'
import {
  absentFrom,
  acceptFlag,
  accepts,
  fewerIn,
  largeObjects,
  listed,
  type Absent,
  type Fewer,
} from './lib/losses.ts'

type Input = {
  readonly database: Database
  readonly archive: Dump
  readonly strategy: 'beside' | 'in-place'
  /** Tables that may be lost, separated by commas; null for none. */
  readonly acceptLoss: string | null
  /** How the dump was chosen: named by the operator, and before which moment. */
  readonly file: string | null
  readonly takenBefore: string | null
  readonly rpoSeconds: number | null
  /** To name other backups where this one lacks something; left out where the operator did not choose it. */
  readonly again?: Again
}

/** What is live, and what of it does not come back. */
export type LiveContents = {
  /** Which database is live; null where it does not say. Missing in older journals. */
  readonly instance?: string | null
  /** As the port returns them; null where that is not known. Missing in older journals. */
  readonly tableIds?: readonly string[] | null
  /** Null where the live database cannot be read. */
  readonly tables: readonly TableRowCount[] | null
  /** What the dump lacks, and whose loss was accepted. */
  readonly lost: readonly Absent[]
  /** Tables of which the dump is known to have fewer rows, or none. */
  readonly fewer: readonly Fewer[]
  /** For the approval: one line each. */
  readonly live: string
  readonly losses: string
  /** Everything else that the dump lacks, such as views, functions and privileges. */
  readonly objects: string
  readonly age: string
  readonly chosen: string
  /** What belongs to the live database on the server, and what is in no dump. */
  readonly attached: string
}

/**
 * Compares what is live with what the dump has, before anything is changed. A table with rows that the dump does
 * not have, or whose data was left out of it, is lost by the restore: it must be named in `acceptLoss`. One that
 * was dumped while it had fewer rows, such as a queue, is only reported. A live database that cannot be read is no
 * reason to refuse, since that may be why it is restored, except in place, where it must be dumped first.
 * @throws RunbookError `preflight` for a loss that was not accepted, or a restore in place of data that cannot be read
 */
export const compareContents = defineStep<Input, LiveContents>({
  kind: 'databases.compare-contents',
  version: 1,
  effect: 'observe',
  lookAgain: true,
  timeoutSeconds: 3600,
  volatile: ['instance', 'tableIds', 'tables', 'lost', 'fewer', 'live', 'losses', 'age', 'attached'],
  describe: ({ database, acceptLoss }) =>
    `Compares the tables of ${isPending(database) ? 'the live database' : database.name} with those of the dump` +
    (acceptLoss === null
      ? ', and refuses if the dump lacks one that has rows.'
      : say`, and refuses if the dump lacks one that has rows, except ${acceptLoss}.`),
  run: async (look, input) => {
    const { database, archive, strategy, acceptLoss, file, takenBefore, rpoSeconds, again } = input
    const about = {
      age: ageOf(archive.takenAt, look.clock.now(), rpoSeconds),
      chosen: chosenBy(file, takenBefore),
      attached: await attachedTo(look, database),
      ...(await presentOrNull(look, database)),
    }
    const live = await look.databases.contents(database, database.name).catch((thrown: unknown) => {
      look.signal.throwIfAborted()
      if (!(thrown instanceof RunbookError)) throw thrown
      return thrown.message
    })
    if (typeof live === 'string') {
      if (strategy === 'in-place')
        throw cannot(
          'replace the data of',
          `${database.name} in place`,
          `it cannot be read, so no dump could take it back: ${live}`,
          {
            code: 'preflight',
            hint: `restore beside it, which keeps it as it is: --strategy beside`,
          },
        )
      look.note(`what the restore loses is unknown: the live database cannot be read: ${live}`)
      const unknown = 'unknown: the live database cannot be read'
      return { tables: null, lost: [], fewer: [], live: unknown, losses: unknown, objects: unknown, ...about }
    }
    const absent = absentFrom(live, archive, strategy)
    const refused = absent.filter((one) => !accepts(acceptLoss, one))
    if (refused.length > 0)
      throw new RunbookError(
        'preflight',
        `${archive.file} lacks what ${database.name} has, and the restore would lose it: ${listed(refused)}`,
        {
          hint:
            `choose a dump that has it with --dump, or accept the loss: ${acceptFlag(acceptLoss, refused)}` +
            (again === undefined ? '' : `; ${await olderBackups(look, again, archive)}`),
        },
      )
    const fewer = fewerIn(live, archive)
    const told = {
      live: sizeOf(live),
      losses: lossesIn(absent, fewer, live, archive),
      objects: otherObjects(live, archive, strategy),
    }
    look.note(`live: ${told.live}`)
    look.note(`would be lost: ${told.losses}`)
    look.note(`other objects that the dump lacks: ${told.objects}`)
    return { tables: live.tables, lost: absent, fewer, ...told, ...about }
  },
  stillHolds: (look, { input: { database }, output: live }) => requireLiveAsShown(look, database, live),
})

async function presentOrNull(
  look: Look,
  database: Database,
): Promise<Pick<LiveContents, 'instance' | 'tableIds'>> {
  try {
    return await presentOf(look, database)
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return { instance: null, tableIds: null }
  }
}

async function attachedTo(look: Look, database: Database): Promise<string> {
  try {
    const attached = await look.databases.attachments(database)
    return attached.length === 0
      ? 'nothing'
      : attached.map(({ what, name, active }) => `${what} ${name}${active ? ' (in use)' : ''}`).join(', ')
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return 'unknown: the server does not say'
  }
}

function sizeOf({ tables, largeObjects: objects }: Contents): string {
  const rows = tables.reduce((sum, one) => sum + one.rows, 0)
  const about = tables.some(({ estimated }) => estimated) ? 'about ' : ''
  const more = objects === 0 ? '' : `, ${objects} ${largeObjects}`
  return `${tables.length} tables, ${about}${rows} rows${more}`
}

/** Rows that the dump does not show are compared once they are restored, and never said to be there. */
function lossesIn(
  absent: readonly Absent[],
  fewer: readonly Fewer[],
  { tables }: Contents,
  { contents }: Dump,
): string {
  const known = new Set((contents?.rows ?? []).map(({ table }) => table))
  const open = tables.some(({ table, rows }) => rows > 0 && !known.has(table))
  return [
    ...(absent.length === 0 ? ['no table that the dump lacks'] : [`not in the dump: ${listed(absent)}`]),
    ...(fewer.length === 0 ? [] : [`fewer in the dump: ${listed(fewer)}`]),
    ...(open ? ['other rows are compared once they are restored'] : []),
  ].join('; ')
}

function chosenBy(file: string | null, takenBefore: string | null): string {
  const before = takenBefore === null ? '' : `, taken before ${takenBefore}`
  if (file !== null) return `named with --dump${before}`
  return takenBefore === null ? 'the newest; --bad-since was not given' : `the newest${before} (--bad-since)`
}

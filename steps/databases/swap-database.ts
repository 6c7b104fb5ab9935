import {
  defineStep,
  isPending,
  say,
  type Database,
  type Fingerprint,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { requireQuiet } from '../services/lib/active.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import type { ProvenCopy } from './assert-copy.ts'
import { attachmentFindings } from './lib/attachments.ts'
import { carryOver } from './lib/carry-over.ts'
import { mustBeLiveFile } from './lib/copied-back.ts'
import { untilDropped } from './lib/drop-line.ts'
import { missingRightsFindings } from './lib/missing-rights.ts'
import { besideName } from './lib/names.ts'
import { beforeAndAfter, countsOrWhy, newerRows, reportExchange, rowsIn } from './lib/newer-rows.ts'
import { mountFindings } from './lib/mounted-file.ts'
import {
  hasFileVersion,
  isKeptClosed,
  isOldAgain,
  printOf,
  requireUnwritten,
  type OldData,
} from './lib/old-data.ts'
import { instanceOf, mustBeOurs, requireLiveAsShown } from './lib/ours.ts'
import { doubtOn, provenVersion, requireProven, versionOf } from './lib/unchanged.ts'
import { unreadableFindings } from './lib/unreadable.ts'

type Input = {
  readonly database: Database
  /** The copy that was restored and checked, and that nobody may change from then on. */
  readonly staged: ProvenCopy
  /** Stopped by this run; checked again just before the swap. */
  readonly writers: StoppedServices
  readonly services: ServiceGroup
}

type Before = OldData & {
  readonly staged: string
  readonly aside: string
  /** Which database the copy is. Missing in older journals. */
  readonly copy?: string
}

/** The old database under its other name: the fallback for as long as the configuration keeps it. */
export type Swapped = {
  readonly live: string
  readonly aside: string
  readonly oldData: Fingerprint | null
  /** Whether the old database can be read, and so dumped; it is read once the service is back. */
  readonly readable: boolean
  /** The version in which the old database was closed; null where it was not, or was changed since. */
  readonly closed?: string | null
  /** Of the old file once it was put aside. Left out where it is not the proof, or was not looked at. */
  readonly fileVersion?: string | null
}

/**
 * Makes the proven copy the live database and keeps the old one under another name, by exchanging names
 * atomically. Undone by exchanging names again. That exactly the old data is live again is proven in constant time:
 * Postgres keeps sessions out, since the old database is closed by the exchange itself and stays so until it is live again
 * (`openReplaced` opens it after the point of no return); a SQLite file has the version that it had before. Where that
 * is unknown, the fingerprint of every table proves it.
 * The database that was live meanwhile is kept under a third name, since it has every row that
 * was written to it; its row counts are compared with those of the restored copy.
 */
export const swapDatabase = defineStep<Input, Swapped, Before>({
  kind: 'databases.swap',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database, services }) => (isPending(database) || isPending(services) ? null : []),
  timeoutSeconds: 900,
  marks: {
    rows: ({ oldData }, { staged }) =>
      beforeAndAfter(oldData === null ? undefined : rowsIn(oldData), staged.tables),
  },
  describe: ({ database, staged }) => {
    const copy = isPending(staged) ? say`the copy ${staged}` : staged.name
    const live = isPending(database) ? 'database' : database.name
    return `Makes ${copy} the live ${live} by exchanging names; the old one stays under another name.`
  },
  preflight: async (look, { database }) =>
    isPending(database)
      ? []
      : [
          ...(await attachmentFindings(look, database, 'swap')),
          ...(await missingRightsFindings(look, database, { do: 'swap' })),
          ...(await unreadableFindings(look, database, 'fingerprint')),
          ...(await mountFindings(look, database)),
        ],
  survey: async (look, { database, staged, services }) => {
    await requireQuiet(look, services, exchanged)
    // One after the other, so that one client of the server answers them all.
    const listing = await look.databases.listing(database, database.name)
    const fileVersion = await look.databases.fileVersion(database, database.name)
    const live = await look.databases.identity(database)
    await requireLiveAsShown(look, database, { instance: staged.replaces, tableIds: staged.replacesTables })
    await requireProven(look, database, staged)
    return {
      live,
      staged: staged.name,
      aside: besideName(database.name, 'old', look.run.id),
      copy: await instanceOf(look, database, staged.name),
      listing,
      fileVersion,
      print: listing === null && fileVersion === null ? await printOf(look, database) : null,
    }
  },
  predict: ({ input: { database }, before }) => ({
    output: before === undefined || isPending(database) ? null : swappedIn(database, before),
    changes: isPending(database)
      ? []
      : [
          `${database.name} holds the restored data`,
          `the old data is kept as ${before?.aside ?? 'a database beside it'}${before?.listing ? ', closed to sessions' : ''}`,
        ],
  }),
  run: async (io, { input: { database, services, staged: copy }, before }) => {
    const { staged, aside, print } = before
    await requireQuiet(io, services, exchanged)
    // A resume comes here without a survey. Unless an earlier attempt was killed between its two renames of files.
    const proven = (await io.databases.exists(database, staged))
      ? await provenVersion(io, database, copy)
      : versionOf(copy)
    await io.databases.swap(database, {
      staged,
      aside,
      ...(isKeptClosed(before) ? { closing: true } : {}),
      ...proven,
    })
    for (const doubt of doubtOn(copy, database)) io.remains(doubt)
    if (print !== null) reportExchange(io, print.tables, copy.tables, aside)
    if (!isKeptClosed(before)) io.note(`${aside}: ${untilDropped(database, aside)}`)
    return {
      ...swappedIn(database, before),
      ...(await closedIn(io, database, before)),
      ...(hasFileVersion(before) ? { fileVersion: await io.databases.fileVersion(database, aside) } : {}),
    }
  },
  probe: async (look, { input: { database }, before, way }) => {
    const [live, staged, aside] = await Promise.all(
      [database.name, before.staged, before.aside].map((name) => look.databases.exists(database, name)),
    )
    if (live && aside && !staged) {
      const output = { ...swappedIn(database, before), ...(await closedIn(look, database, before)) }
      return { is: 'done', output }
    }
    if (live && staged && !aside) {
      const found = await unexchanged(look, database, before, way)
      if (found !== null) return found
    }
    // Going back, the copy no longer matters: only what is live does.
    if (live && !aside && way === 'back') return isOldAgain(look, database, before)
    const present = [live && database.name, staged && before.staged, aside && before.aside].filter(
      (name) => name !== false,
    )
    return {
      is: 'torn',
      why: `unexpected set of databases: ${present.length === 0 ? 'none' : present.join(' and ')} exists`,
    }
  },
  // The exchange resumes after a kill between two file renames.
  rerunnable: true,
  undoGuards: ({ input: { database, staged }, before, output }) => {
    const { aside, live, copy } = before
    return [
      {
        of: [database.name, aside].map((name) => ({ database, name })),
        check: async (look, way) => {
          // Before the exchange and after its undo.
          if (!(await look.databases.exists(database, aside))) {
            if (copy !== undefined) await mustBeOurs(look, database, database.name, [live.instance])
            return
          }
          await requireUnwritten(look, database, aside, output?.fileVersion ?? before.fileVersion ?? null)
          if (copy === undefined) return
          const instances = [live.instance, copy]
          await mustBeOurs(look, database, aside, instances)
          if (database.engine === 'sqlite')
            await mustBeLiveFile(look, database, { instances, aside, tables: staged.tables }, way)
          else await mustBeOurs(look, database, database.name, instances)
        },
      },
    ]
  },
  undo: async (io, { input: { database, services }, before, output }) => {
    const { aside } = before
    await requireQuiet(io, services, exchanged)
    if (!(await io.databases.exists(database, aside))) return
    const replaced = await io.databases.exists(database, database.name)
    const kept = besideName(database.name, 'kept', io.run.id)
    const closed = output?.closed ?? (await closedIn(io, database, before)).closed ?? null
    const now = await io.databases.listing(database, aside)
    await io.databases.swap(database, {
      staged: aside,
      aside: replaced ? kept : null,
      ...(closed !== null && now?.open === false && now.version === closed ? { closedSince: closed } : {}),
    })
  },
  afterUndo: async (io, { input: { database }, before }) => {
    if (!isKeptClosed(before)) return
    const now = await io.databases.listing(database, database.name)
    if (now?.instance === before.live.instance) await io.databases.open(database, database.name)
  },
  remainsAgain: async (_, { input: { database, staged } }) => doubtOn(staged, database),
  remains: async (look, { input: { database, staged } }) => {
    const kept = besideName(database.name, 'kept', look.run.id)
    if (!(await look.databases.exists(database, kept))) return []
    const newer = newerRows(staged.tables, await countsOrWhy(look, database, kept))
    return [
      {
        kept: `the database ${kept}, which was live in this run, is kept; ${newer}; ${carryOver(database, kept)}; ${untilDropped(database, kept)}`,
      },
    ]
  },
})

/** While the copy still has its own name, no exchange took effect: names are exchanged at once. Null: look further. */
async function unexchanged(
  look: Look,
  database: Database,
  { live, staged, copy }: Before,
  way: 'forward' | 'back',
): Promise<{ is: 'absent' } | { is: 'unknown'; why: string } | null> {
  const isOld = (await instanceOf(look, database, database.name)) === live.instance
  if (way === 'forward')
    return isOld
      ? { is: 'absent' }
      : { is: 'unknown', why: `${database.name} is not the database that it was: somebody else replaced it` }
  if (isOld || copy === undefined || (await instanceOf(look, database, staged)) !== copy) return null
  look.note(`${database.name} was replaced by somebody else, before this run exchanged it: it stays as it is`)
  return { is: 'absent' }
}

const exchanged = 'the databases are exchanged'

const swappedIn = (database: Database, before: Before): Swapped => ({
  live: database.name,
  aside: before.aside,
  oldData: before.print,
  readable: before.print !== null || isKeptClosed(before) || hasFileVersion(before),
})

/**
 * The version in which the exchange closed the old database. Unless both databases still have that of the exchange, it
 * may have been open in between.
 */
async function closedIn(
  look: Pick<Look, 'databases'>,
  database: Database,
  before: Before,
): Promise<Pick<Swapped, 'closed'>> {
  if (!isKeptClosed(before)) return {}
  const old = await look.databases.listing(database, before.aside)
  const live = await look.databases.listing(database, database.name)
  return { closed: old?.open === false && old.version === live?.version ? old.version : null }
}

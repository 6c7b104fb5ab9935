import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Database,
  type Fingerprint,
  type Identity,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { requireQuiet } from '../services/lib/active.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import type { Proven } from './assert-copy.ts'
import { attachmentFindings } from './lib/attachments.ts'
import { carryOver } from './lib/carry-over.ts'
import { besideName } from './lib/names.ts'
import {
  beforeAndAfter,
  countsOrWhy,
  differencesOf,
  newerRows,
  reportExchange,
  rowsIn,
} from './lib/newer-rows.ts'
import { mustBeOurs } from './lib/ours.ts'
import { unreadableFindings } from './lib/unreadable.ts'

type Input = {
  readonly database: Database
  /** The restored and checked copy. */
  readonly staged: Proven
  /** Stopped by this run; checked again just before the swap. */
  readonly writers: StoppedServices
  readonly services: ServiceGroup
}

type Before = {
  readonly live: Identity
  readonly staged: string
  readonly aside: string
  /** Which database the copy is. Missing in older journals. */
  readonly copy?: string
  /**
   * Fingerprint of the old data, taken while nothing writes: the undo must bring exactly this back. Null where the old
   * data is too damaged to be read: then the identity of the database alone is compared.
   */
  readonly print: Fingerprint | null
}

/** The old database under its other name: the fallback for as long as the configuration keeps it. */
export type Swapped = {
  readonly live: string
  readonly aside: string
  readonly oldData: Fingerprint | null
  /** Whether the old database can be read, and so dumped. */
  readonly readable: boolean
}

/**
 * Makes the proven copy the live database and keeps the old one under another name, by exchanging names
 * atomically. Undone by exchanging names again; the fingerprint of every table proves that exactly the old data
 * is live again. The database that was live meanwhile is kept under a third name, since it has every row that
 * was written to it; its row counts are compared with those of the restored copy.
 */
export const swapDatabase = defineStep<Input, Swapped, Before>({
  kind: 'databases.swap',
  version: 1,
  effect: 'change',
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
          ...(await unreadableFindings(look, database, 'fingerprint')),
        ],
  survey: async (look, { database, staged, services }) => {
    await requireQuiet(look, services, exchanged)
    const [live, copy, print] = await Promise.all([
      look.databases.identity(database),
      look.databases.identity(database, staged.name),
      printOf(look, database),
    ])
    return {
      live,
      staged: staged.name,
      aside: besideName(database.name, 'old', look.run.id),
      copy: copy.instance,
      print,
    }
  },
  predict: ({ input: { database }, before }) => ({
    output: before === undefined || isPending(database) ? null : swappedIn(database, before),
    changes: isPending(database)
      ? []
      : [
          `${database.name} holds the restored data`,
          `the old data is kept as ${before?.aside ?? 'a database beside it'}`,
        ],
  }),
  run: async (io, { input: { database, services, staged: copy }, before }) => {
    const { staged, aside, print } = before
    await requireQuiet(io, services, exchanged)
    await io.databases.swap(database, { staged, aside })
    if (print !== null) reportExchange(io, print.tables, copy.tables, aside)
    return swappedIn(database, before)
  },
  probe: async (look, { input: { database }, before, way }) => {
    const [live, staged, aside] = await Promise.all(
      [database.name, before.staged, before.aside].map((name) => look.databases.exists(database, name)),
    )
    if (live && aside && !staged) return { is: 'done', output: swappedIn(database, before) }
    if (live && staged && !aside && way === 'forward') return { is: 'absent' }
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
  undo: async (io, { input: { database, services }, before }) => {
    const { aside, live, copy } = before
    await requireQuiet(io, services, exchanged)
    if (!(await io.databases.exists(database, aside))) return
    const replaced = await io.databases.exists(database, database.name)
    if (copy !== undefined)
      for (const name of replaced ? [database.name, aside] : [aside])
        await mustBeOurs(io, database, name, [live.instance, copy])
    const kept = besideName(database.name, 'kept', io.run.id)
    await io.databases.swap(database, { staged: aside, aside: replaced ? kept : null })
  },
  remains: async (look, { input: { database, staged } }) => {
    const kept = besideName(database.name, 'kept', look.run.id)
    if (!(await look.databases.exists(database, kept))) return []
    const newer = newerRows(staged.tables, await countsOrWhy(look, database, kept))
    return [
      {
        kept: `the database ${kept}, which was live in this run, is kept; ${newer}; ${carryOver(database, kept)}`,
      },
    ]
  },
})

const exchanged = 'the databases are exchanged'

const swappedIn = (database: Database, { aside, print }: Before): Swapped => ({
  live: database.name,
  aside,
  oldData: print,
  readable: print !== null,
})

/** Damage may be why the data is replaced. Postgres tells it from missing rights and lost connections; SQLite has neither. */
async function printOf(look: Look, database: Database): Promise<Fingerprint | null> {
  try {
    return await look.databases.fingerprint(database, database.name)
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    if (database.engine !== 'sqlite' && thrown.code !== 'verification') throw thrown
    look.note(`the old data cannot be read, so it is kept as it is: ${thrown.message}`)
    return null
  }
}

/**
 * Whether exactly the old data is live again. Others, such as a job that is not in `writers`, may have written to the old
 * database meanwhile: then it is the old one as long as no table has lost rows, since this run only renamed it.
 */
async function isOldAgain(
  look: Look,
  database: Database,
  {
    print: was,
    live: { instance },
  }: { readonly print: Before['print']; readonly live: Pick<Identity, 'instance'> },
): Promise<{ is: 'absent' } | { is: 'torn'; why: string }> {
  if (was === null) {
    const same = (await look.databases.identity(database)).instance === instance
    return same
      ? { is: 'absent' }
      : { is: 'torn', why: `${database.name} is not the old database, which is too damaged to be read` }
  }
  const is = await printOf(look, database)
  if (is === null) return isOldAgain(look, database, { print: null, live: { instance } })
  if (was.digest === is.digest) return { is: 'absent' }
  const changes = changesOf(was, is).join(', ')
  const why = `the live data differs from the old data: ${changes}`
  if ((await look.databases.identity(database)).instance !== instance) return { is: 'torn', why }
  const now = new Map(is.tables.map(({ table, rows }) => [table, rows]))
  if (was.tables.every(({ table, rows }) => rows <= (now.get(table) ?? -1))) {
    look.note(`${database.name} is the old database, to which somebody else wrote meanwhile: ${changes}`)
    return { is: 'absent' }
  }
  return {
    is: 'torn',
    why:
      `${why}; it is the same database, so somebody else removed them. Where that is as it should be, start the ` +
      'services by hand, and close the run with `runbook unlock`',
  }
}

/** How the tables of two fingerprints that differ do so, a clause for each table. */
function changesOf(was: Fingerprint, is: Fingerprint): readonly string[] {
  const digests = new Map(is.tables.map(({ table, digest }) => [table, digest]))
  const counted = differencesOf(rowsIn(was), rowsIn(is))
  const updated = was.tables.filter(
    ({ table, rows, digest }) =>
      digests.has(table) &&
      digests.get(table) !== digest &&
      is.tables.some((one) => one.table === table && one.rows === rows),
  )
  const all = [...counted, ...updated.map(({ table }) => `${table} with other rows`)]
  return all.length === 0 ? ['the list of tables'] : all
}

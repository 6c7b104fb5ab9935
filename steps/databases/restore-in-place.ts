import {
  defineStep,
  isPending,
  say,
  type Database,
  type ExactDump,
  type Fingerprint,
  type Look,
  type RestoreRights,
} from '../../src/index.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import type { FallbackDump } from './dump-database.ts'
import type { LiveContents } from './compare-contents.ts'
import { attachmentFindings } from './lib/attachments.ts'
import { hasKeptLive, keepLive, keptLive } from './lib/keep-live.ts'
import { missingRightsFindings } from './lib/missing-rights.ts'
import { mustBeLive, presentOf, requireLiveAsShown, requireSameLive } from './lib/ours.ts'
import { beforeAndAfter, countsOf, reportExchange, rowsIn, type RowCounts } from './lib/newer-rows.ts'
import { rightsSentence } from './lib/restore-rights.ts'
import { reportServerChanges, serverChanges, serverFacts, type ServerFacts } from './lib/server-changes.ts'
import { unreadableFindings } from './lib/unreadable.ts'

type Input = {
  readonly database: Database
  readonly archive: ExactDump
  /** Taken by this run while the writers were stopped. Nothing else keeps the old data. */
  readonly fallback: FallbackDump
  readonly writers: StoppedServices
  /** What was compared and shown before. Missing in older journals: what is live is then only compared with the fallback. */
  readonly live?: LiveContents
}

type Before = {
  readonly generation: string
  /** As in `Identity`. Missing in older journals. */
  readonly instance?: string
  readonly print: Fingerprint
  /** Missing in older journals. */
  readonly server?: ServerFacts
  /** Missing in older journals. */
  readonly rights?: RestoreRights | null
}
type Output = {
  readonly restored: string
  readonly fallback: string
  /** Counted right after the restore. Missing in older journals. */
  readonly tables?: RowCounts
  /** Of the data that was replaced. Missing in older journals. */
  readonly replaced?: RowCounts
  /** As in `Identity`: the database that was restored. Missing in older journals. */
  readonly instance?: string
  /** The tables that the restore left there, as the port returns them. Missing in older journals. */
  readonly tableIds?: readonly string[] | null
}

/**
 * Replaces the live data in one transaction (`pg_restore --clean --if-exists --no-owner`), for servers
 * without room for two copies. Undone by restoring the fallback the same way; the fingerprint of every table
 * proves that the old data is back. What was live meanwhile is first dumped beside the fallback, since it has every
 * row that was written to it.
 * @throws RunbookError `failed` from its undo where that dump cannot be taken: nothing is replaced then
 */
export const restoreInPlace = defineStep<Input, Output, Before>({
  kind: 'databases.restore-in-place',
  version: 1,
  effect: 'destroy',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  marks: { rows: ({ replaced, tables }) => beforeAndAfter(replaced, tables) },
  describe: ({ database, archive }) => {
    const live = isPending(database) ? database : database.name
    return say`Replaces the data of ${live} by ${isPending(archive) ? archive : archive.file} in one transaction.`
  },
  preflight: async (look, { database }) =>
    isPending(database)
      ? []
      : [
          ...(await attachmentFindings(look, database, 'in place')),
          ...(await missingRightsFindings(look, database, { do: 'restore in place' })),
          ...(await unreadableFindings(look, database, 'fingerprint')),
        ],
  survey: async (look, { database, archive, fallback: { source }, live }) => ({
    ...(await sameAsShown(look, database, source, live)),
    print: await look.databases.fingerprint(database, database.name),
    server: await serverFacts(look, database, []),
    rights: await look.databases.restoreRights(database, archive, database.name),
  }),
  predict: ({ input: { database, archive, fallback } }) => ({
    output:
      isPending(archive) || isPending(fallback) ? null : { restored: archive.file, fallback: fallback.file },
    changes: isPending(database)
      ? []
      : [`${database.name} holds the restored data`, 'the old data is only in the fallback dump'],
  }),
  run: async (io, { input: { database, archive, fallback }, before: { server, print, rights } }) => {
    if (rights) io.note(rightsSentence(rights))
    try {
      await io.databases.restoreInPlace(database, archive)
    } finally {
      await reportServerChanges(io, database, server, [])
    }
    const tables = await countsOf(io, database, database.name)
    reportExchange(io, print.tables, tables, fallback.file)
    const present = await presentOf(io, database)
    return { restored: archive.file, fallback: fallback.file, tables, replaced: rowsIn(print), ...present }
  },
  probe: async (look, { input: { database, archive, fallback }, before, way }) => {
    if (await look.databases.leftover(database, database.name))
      return { is: 'torn', why: `a restore in place left files beside ${database.name}` }
    const { generation, instance } = await look.databases.identity(database)
    if (generation === before.generation) return { is: 'absent' }
    if (way === 'forward') {
      const tables = await countsOf(look, database, database.name)
      if (database.engine === 'sqlite' ? !holds(archive, tables) : instance !== (before.instance ?? instance))
        return {
          is: 'unknown',
          why: `${database.name} is not what this run restored: somebody else replaced it`,
        }
      const replaced = rowsIn(before.print)
      const tableIds = await look.databases.tableIds(database)
      return {
        is: 'done',
        output: { restored: archive.file, fallback: fallback.file, tables, replaced, instance, tableIds },
      }
    }
    const print = await look.databases.fingerprint(database, database.name)
    return print.digest === before.print.digest
      ? { is: 'absent' }
      : { is: 'torn', why: 'the live data differs from the old data' }
  },
  // The data is replaced in one transaction: a second run restores the same data and clears leftovers of the
  // first.
  rerunnable: true,
  undoGuards: ({ input: { database, fallback }, before, output }) => {
    const instance = output?.instance ?? (database.engine === 'postgres' ? before.instance : undefined)
    return [
      mustBeLive(database, { instance, tableIds: output?.tableIds }, (look) =>
        hasKeptLive(look, database, fallback),
      ),
    ]
  },
  undo: async (io, { input: { database, fallback }, before: { server }, output }) => {
    // A killed attempt could not report them.
    await reportServerChanges(io, database, server, [])
    // Without an output the run ended here, so nothing was written to the restored data.
    if (output !== undefined) await keepLive(io, database, fallback, output.tables ?? null)
    await io.databases.restoreExactly(database, fallback)
  },
  remainsAgain: (look, { input: { database }, before: { server } }) =>
    serverChanges(look, database, server, []),
  remains: async (look, { input: { database, fallback }, output }) =>
    output === undefined ? [] : keptLive(look, database, fallback),
})

/** The fallback is worth something only as long as it has what is replaced. */
async function sameAsShown(
  look: Look,
  database: Database,
  source: FallbackDump['source'],
  shown: LiveContents | undefined,
): Promise<{ readonly generation: string; readonly instance: string }> {
  const { generation, instance } = await look.databases.identity(database)
  if (shown !== undefined) await requireLiveAsShown(look, database, shown)
  requireSameLive(database, instance, source?.instance)
  requireSameLive(database, generation, source?.generation)
  return { generation, instance }
}

/** Whether the tables of a file, which every restore replaces by another one, have as many rows as the dump says. */
function holds({ contents }: ExactDump, tables: RowCounts): boolean {
  const counts = new Map(tables.map(({ table, rows }) => [table, rows]))
  return (contents?.rows ?? []).every(({ table, rows }) => (counts.get(table) ?? rows) === rows)
}

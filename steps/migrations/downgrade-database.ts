import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Database,
  type Fingerprint,
  type Io,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import type { FallbackDump } from '../databases/dump-database.ts'
import { hasKeptLive, keepLive, keptLive } from '../databases/lib/keep-live.ts'
import { missingRightsFindings } from '../databases/lib/missing-rights.ts'
import { mustBeLive, presentOf } from '../databases/lib/ours.ts'
import { beforeAndAfter, countsOf, rowsIn, type RowCounts } from '../databases/lib/newer-rows.ts'
import { unreadableFindings } from '../databases/lib/unreadable.ts'
import { activeNames } from '../services/lib/active.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import type { Assessment } from './assess-migrations.ts'
import { emptyable, emptyTables, tablesIn, withHint } from './lib/empty-tables.ts'
import { revisionOf } from './lib/revision.ts'

type Input = {
  readonly database: Database
  readonly assessment: Assessment
  /** Taken by this run while nothing wrote: the only copy of what a downgrade deletes. */
  readonly fallback: FallbackDump
  readonly writers: StoppedServices
  readonly services: ServiceGroup
  /**
   * Tables whose rows the downgrade refuses to delete, parents first; null for none. Their rows are deleted
   * first.
   */
  readonly empty: string | null
}

type Before = { readonly revision: string; readonly print: Fingerprint }
type Output = {
  readonly from: string
  readonly to: string
  readonly fallback: string
  /** Counted right after the downgrade. Missing in older journals. */
  readonly tables?: RowCounts
  /** Counted before it. Missing in older journals. */
  readonly replaced?: RowCounts
  /** As in `Identity`: the database that was downgraded. Missing in older journals. */
  readonly instance?: string
  /** The tables that it left there, as the port returns them. Missing in older journals. */
  readonly tableIds?: readonly string[] | null
}

/**
 * Undoes migrations in a one-off container of the image that has them. Undone by restoring the fallback
 * dump, since upgrading again would bring back the tables without their rows; the fingerprint of schema and
 * rows proves that everything is as it was. What was live meanwhile is first dumped beside the fallback.
 */
export const downgradeDatabase = defineStep<Input, Output, Before>({
  kind: 'migrations.downgrade',
  version: 1,
  effect: 'destroy',
  timeoutSeconds: 3600,
  marks: { rows: ({ replaced, tables }) => beforeAndAfter(replaced, tables) },
  describe: ({ database, assessment }) =>
    say`Downgrades ${isPending(database) ? database : database.name} to ${isPending(assessment) ? assessment : assessment.to} in a one-off container, and reads its revision back.`,
  preflight: async (look, { database, empty }) =>
    isPending(database)
      ? []
      : [
          // The undo replaces the data, which the tool of the migrations may do as another role.
          ...(await missingRightsFindings(look, database, { do: 'restore in place' })),
          ...(await unreadableFindings(look, database, 'fingerprint')),
          ...(isPending(empty) ? [] : await emptyable(look, database, empty)),
        ],
  survey: async (look, { database, services }) => {
    await requireQuiet(look, services)
    return {
      revision: (await revisionOf(look, database)) ?? 'base',
      print: await look.databases.fingerprint(database, database.name),
    }
  },
  predict: ({ input: { assessment, fallback, empty } }) => ({
    output: isPending(assessment)
      ? null
      : {
          from: assessment.from,
          to: assessment.to,
          ...(isPending(fallback) ? {} : { fallback: fallback.file }),
        },
    changes:
      isPending(assessment) || isPending(empty)
        ? []
        : [
            ...tablesIn(empty).map((table) => `every row of ${table} is deleted`),
            ...assessment.undone.map(({ id, message }) => `${id} ${message} is undone`),
          ],
  }),
  run: async (io, { input: { database, assessment, fallback, services, empty }, before }) => {
    await requireQuiet(io, services)
    if (before.revision !== assessment.from) {
      throw new RunbookError(
        'failed',
        `${database.name} is at revision ${before.revision}, no longer at ${assessment.from}`,
        { hint: 'find out what else migrates it, then start again' },
      )
    }
    await emptyTables(io, database, empty)
    await io.migrations.downgrade(assessment.tool, assessment.to).catch((thrown: unknown) => {
      throw withHint(thrown)
    })
    const tables = await countsOf(io, database, database.name)
    const { from, to } = assessment
    const present = await presentOf(io, database)
    return { from, to, fallback: fallback.file, tables, replaced: rowsIn(before.print), ...present }
  },
  probe: async (look, { input: { database, assessment, fallback }, before, way }) => {
    if (await look.databases.leftover(database, database.name))
      return { is: 'torn', why: `leftovers of a restore in place still exist beside ${database.name}` }
    const revision = await revisionNow(look, database)
    if (way === 'forward' && revision === assessment.to) {
      const tables = await countsOf(look, database, database.name)
      const { from, to } = assessment
      const replaced = rowsIn(before.print)
      const present = await presentOf(look, database)
      return { is: 'done', output: { from, to, fallback: fallback.file, tables, replaced, ...present } }
    }
    const print = await look.databases.fingerprint(database, database.name)
    if (revision === before.revision && print.digest === before.print.digest) return { is: 'absent' }
    return {
      is: 'torn',
      why: `${database.name} is at revision ${revision}, and its schema or rows differ from those at ${before.revision}`,
    }
  },
  undoGuards: ({ input: { database, fallback }, output }) => [
    mustBeLive(database, output ?? {}, (look) => hasKeptLive(look, database, fallback)),
  ],
  undo: async (io, { input: { database, fallback, services }, output }) => {
    await requireQuiet(io, services)
    // Without an output the run ended here, so nothing was written to the downgraded data.
    if (output !== undefined) await keepLive(io, database, fallback, output.tables ?? null)
    await io.databases.restoreExactly(database, fallback)
  },
  remains: async (look, { input: { database, fallback }, output }) =>
    output === undefined ? [] : keptLive(look, database, fallback),
})

/** Where the revision cannot be read, as after half a downgrade, the reason, which matches no revision. */
async function revisionNow(look: Look, database: Database): Promise<string> {
  try {
    return (await revisionOf(look, database)) ?? 'base'
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (thrown instanceof RunbookError && thrown.code === 'preflight') return `unknown (${thrown.message})`
    throw thrown
  }
}

async function requireQuiet(look: Look | Io, services: ServiceGroup): Promise<void> {
  const active = activeNames(await look.services.states(services))
  if (active.length === 0) return
  throw new RunbookError(
    'failed',
    `${active.join(', ')} ${active.length === 1 ? 'is' : 'are'} running again, and would write while the schema changes`,
    {
      hint: 'find out what starts them: a restart policy, another operator, a deployment',
    },
  )
}
